// The gradient d of a normalised result y, or, where RELU, of its ReLU's input.
fn passed(d: Elem, y: Elem) -> Elem {
    if (RELU) {
        return select(Elem(0.0), d, y > Elem(0.0));
    }
    return d;
}
