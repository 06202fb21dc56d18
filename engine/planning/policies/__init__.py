"""How layers are shared out: even, by memory, fastest. All three stand on the same seats and the same memory needs."""
