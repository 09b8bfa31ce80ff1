module wafsim/bench/peers/libinjection-go

go 1.25.0

require github.com/corazawaf/libinjection-go v0.3.3
