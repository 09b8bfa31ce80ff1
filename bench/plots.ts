/**
 * The plots of docs/performance.md, as SVG. The only importer of echarts.
 */
import * as echarts from 'echarts'
import { levelsOf, megabytesPerSecond, ownCase, peerCase, peersOf, ratioTo } from './figures.js'
import type { Spread } from './measure/statistics.js'
import type { TrafficResult } from './record.js'

const colors = ['#0b6e99', '#d95f02', '#7570b3', '#1b9e77', '#a6761d', '#666666']
const text = { fontFamily: 'sans-serif', color: '#222222' }

function svg(option: echarts.EChartsOption, height: number): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 860, height })
  chart.setOption({ animation: false, backgroundColor: '#ffffff', color: colors, textStyle: text, ...option })
  const drawn = chart.renderToSVGString()
  chart.dispose()
  return `${drawn}\n`
}

function titled(title: string): Pick<echarts.EChartsOption, 'title' | 'legend'> {
  return {
    title: { text: title, left: 'center', textStyle: { ...text, fontSize: 15, fontWeight: 'bold' } },
    legend: { bottom: 4, itemWidth: 18, textStyle: text },
  }
}

/** Powers of ten alone; an axis also ends elsewhere. */
function sizeLabel(bytes: number): string {
  if (!Number.isInteger(Math.log10(bytes))) return ''
  return bytes >= 1e6 ? `${bytes / 1e6} MB` : bytes >= 1000 ? `${bytes / 1000} kB` : `${bytes} B`
}

function timeLabel(microseconds: number): string {
  if (microseconds >= 1e6) return `${microseconds / 1e6} s`
  return microseconds >= 1000 ? `${microseconds / 1000} ms` : `${microseconds} µs`
}

/** Time a transaction against the size of its body, both logarithmic. */
export function costPlot(results: readonly TrafficResult[]): string {
  const lines = levelsOf(results).flatMap((level) =>
    ['wafsim', ...peersOf(results)].map((engine) => ({ level, engine })),
  )
  const engines = ['wafsim', ...peersOf(results)]
  return svg(
    {
      ...titled('Time a transaction by size of its form body (warm)'),
      grid: { left: 70, right: 30, top: 45, bottom: 95 },
      xAxis: {
        type: 'log',
        name: 'bytes of body',
        nameLocation: 'middle',
        nameGap: 28,
        min: 100,
        max: 1_200_000,
        axisLabel: { formatter: sizeLabel },
      },
      yAxis: { type: 'log', axisLabel: { formatter: timeLabel } },
      series: lines.map(({ level, engine }) => ({
        type: 'line' as const,
        name: `${engine}, level ${level}`,
        symbolSize: 7,
        symbol: level === 1 ? 'circle' : 'rect',
        lineStyle: { type: level === 1 ? ('solid' as const) : ('dashed' as const), width: 2 },
        itemStyle: { color: colors[engines.indexOf(engine)] },
        data: results
          .filter(({ paranoia }) => paranoia === level)
          .flatMap((result) => {
            const found =
              engine === 'wafsim' ? ownCase(result, 'modsec3', 'warm', true) : peerCase(result, engine, 'warm')
            return found === null ? [] : [[result.bodyBytes / result.records, found.microsecondsPerTransaction.median]]
          }),
      })),
    },
    480,
  )
}

/** One bar a peer and class, with the middle half of the rounds. */
export function ratioPlot(results: readonly TrafficResult[], level: number): string {
  const some = results.filter(({ paranoia }) => paranoia === level)
  const peers = peersOf(some)
  const spreads = peers.map((peer) => some.map((result) => ratioTo(result, peer, 'warm', true)?.processor ?? null))
  return svg(
    {
      ...titled(`How often wafsim's time goes into a peer's, paranoia level ${level} (processor time, warm, memo on)`),
      grid: { left: 50, right: 20, top: 45, bottom: 65 },
      xAxis: { type: 'category', data: some.map(({ name }) => name), axisLabel: { interval: 0 } },
      yAxis: { type: 'value', min: 0, axisLabel: { formatter: '{value}×' } },
      series: peers.map((peer, at) => ({
        type: 'bar' as const,
        name: peer,
        data: (spreads[at] as readonly (Spread | null)[]).map((spread) => spread?.median ?? null),
        label: {
          show: true,
          position: 'top' as const,
          fontSize: 9,
          formatter: ({ value }: { value?: unknown }) => Number(value).toFixed(1),
        },
        ...(at > 0
          ? {}
          : {
              markLine: {
                symbol: 'none',
                silent: true,
                lineStyle: { color: '#444444' },
                label: { show: false },
                data: [{ yAxis: 1 }],
              },
            }),
      })),
    },
    400,
  )
}

/** Requests in megabytes a second, logarithmic. */
export function bytesPlot(results: readonly TrafficResult[], level: number): string {
  const some = results.filter(({ paranoia }) => paranoia === level)
  const engines = ['wafsim', ...peersOf(some)]
  return svg(
    {
      ...titled(`Megabytes of requests a second, paranoia level ${level} (warm, memo on)`),
      grid: { left: 70, right: 20, top: 45, bottom: 65 },
      xAxis: { type: 'category', data: some.map(({ name }) => name), axisLabel: { interval: 0 } },
      yAxis: { type: 'log', axisLabel: { formatter: '{value} MB' } },
      series: engines.map((engine) => ({
        type: 'scatter' as const,
        symbolSize: 13,
        name: engine,
        data: some.map((result) => {
          const found =
            engine === 'wafsim' ? ownCase(result, 'modsec3', 'warm', true) : peerCase(result, engine, 'warm')
          return found === null ? null : Number(megabytesPerSecond(result, found).toPrecision(3))
        }),
      })),
    },
    400,
  )
}
