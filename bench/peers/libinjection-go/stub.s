// Makes the compiler accept functions that are declared here and linked from the library.
