// n / d for n below 2²²: software drivers divide integers one lane after another.
fn divide(n: u32, d: u32) -> u32 {
    return u32((f32(n) + 0.5) / f32(d));
}
