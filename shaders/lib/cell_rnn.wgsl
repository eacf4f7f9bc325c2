// A vanilla RNN's unit, one or four at once (Elem): its next state from the input's and the recurrent part of its gate,
// and the way back. RELU: max(x, 0) instead of tanh.
struct Gates { a: Elem, b: Elem, c: Elem, d: Elem }
struct Next { h: Elem, c: Elem, kept: Gates }
struct Back { d_x: Gates, d_s: Gates, d_h: Elem, d_c: Elem }

fn cell_forward(x: Gates, s: Gates, h: Elem, c: Elem) -> Next {
    let sum = x.a + s.a;
    let next = select(tanh(sum), max(sum, Elem(0.0)), RELU);
    return Next(next, c, s);
}

fn cell_backward(d_h: Elem, d_c: Elem, kept: Gates, h: Elem, h_before: Elem, c: Elem, c_before: Elem) -> Back {
    let slope = select(Elem(1.0) - h * h, select(Elem(0.0), Elem(1.0), h > Elem(0.0)), RELU);
    let d = Gates(d_h * slope, Elem(0.0), Elem(0.0), Elem(0.0));
    return Back(d, d, Elem(0.0), Elem(0.0));
}
