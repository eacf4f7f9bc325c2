// A GRU's unit, one or four at once (Elem), with the reset gate behind the product: gates r, z, n from the input's and the
// recurrent parts, the next state; and the way back. Kept: r, z, n and the recurrent part of n.
struct Gates { a: Elem, b: Elem, c: Elem, d: Elem }
struct Next { h: Elem, c: Elem, kept: Gates }
struct Back { d_x: Gates, d_s: Gates, d_h: Elem, d_c: Elem }

fn sigmoid_of(x: Elem) -> Elem {
    return Elem(1.0) / (Elem(1.0) + exp(-x));
}

fn cell_forward(x: Gates, s: Gates, h: Elem, c: Elem) -> Next {
    let r = sigmoid_of(x.a + s.a);
    let z = sigmoid_of(x.b + s.b);
    let n = tanh(x.c + r * s.c);
    return Next((Elem(1.0) - z) * n + z * h, c, Gates(r, z, n, s.c));
}

fn cell_backward(d_h: Elem, d_c: Elem, kept: Gates, h: Elem, h_before: Elem, c: Elem, c_before: Elem) -> Back {
    let one = Elem(1.0);
    let r = kept.a;
    let z = kept.b;
    let n = kept.c;
    let d_n = d_h * (one - z) * (one - n * n);
    let d_z = d_h * (h_before - n) * z * (one - z);
    let d_r = d_n * kept.d * r * (one - r);
    return Back(Gates(d_r, d_z, d_n, Elem(0.0)), Gates(d_r, d_z, d_n * r, Elem(0.0)), d_h * z, Elem(0.0));
}
