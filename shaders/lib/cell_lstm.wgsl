// An LSTM's unit, one or four at once (Elem): gates i, f, g, o from the input's and the recurrent parts, the next states;
// and the way back.
struct Gates { a: Elem, b: Elem, c: Elem, d: Elem }
struct Next { h: Elem, c: Elem, kept: Gates }
struct Back { d_x: Gates, d_s: Gates, d_h: Elem, d_c: Elem }

fn sigmoid_of(x: Elem) -> Elem {
    return Elem(1.0) / (Elem(1.0) + exp(-x));
}

fn cell_forward(x: Gates, s: Gates, h: Elem, c: Elem) -> Next {
    let i = sigmoid_of(x.a + s.a);
    let f = sigmoid_of(x.b + s.b);
    let g = tanh(x.c + s.c);
    let o = sigmoid_of(x.d + s.d);
    let next = f * c + i * g;
    return Next(o * tanh(next), next, Gates(i, f, g, o));
}

fn cell_backward(d_h: Elem, d_c: Elem, kept: Gates, h: Elem, h_before: Elem, c: Elem, c_before: Elem) -> Back {
    let one = Elem(1.0);
    let i = kept.a;
    let f = kept.b;
    let g = kept.c;
    let o = kept.d;
    let t = tanh(c);
    let d = d_c + d_h * o * (one - t * t);
    let gates = Gates(d * g * i * (one - i), d * c_before * f * (one - f), d * i * (one - g * g), d_h * t * o * (one - o));
    return Back(gates, gates, Elem(0.0), d * f);
}
