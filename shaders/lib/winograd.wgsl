// The transforms of Winograd's convolutions of six points, 0, ±3/4, ±3/2 and infinity: F(4, 3), four results of three taps, and
// F(3, 4), three results of four taps, which share the transform of the input. After A. Lavin and S. Gray, Fast Algorithms for
// Convolutional Neural Networks, 2015 (arXiv:1509.09308), whose points, ±1 and ±2, lose six times as much to rounding: sums
// over 64 channels are about twice as far off here as when they are added up directly.
const A: f32 = 0.75;
const B: f32 = 1.5;
const A2: f32 = A * A;
const B2: f32 = B * B;
const OF_A: f32 = 1.0 / (2.0 * A2 * (A2 - B2));
const OF_B: f32 = 1.0 / (2.0 * B2 * (B2 - A2));

struct Six {
    s0: f32,
    s1: f32,
    s2: f32,
    s3: f32,
    s4: f32,
    s5: f32,
}

fn of_input(d: Six) -> Six {
    let even_a = d.s4 - B2 * d.s2;
    let odd_a = A * (d.s3 - B2 * d.s1);
    let even_b = d.s4 - A2 * d.s2;
    let odd_b = B * (d.s3 - A2 * d.s1);
    return Six(
        A2 * B2 * d.s0 - (A2 + B2) * d.s2 + d.s4,
        even_a + odd_a,
        even_a - odd_a,
        even_b + odd_b,
        even_b - odd_b,
        A2 * B2 * d.s1 - (A2 + B2) * d.s3 + d.s5,
    );
}

fn of_three(g: vec3<f32>) -> Six {
    let even_a = (g.x + A2 * g.z) * OF_A;
    let odd_a = g.y * (A * OF_A);
    let even_b = (g.x + B2 * g.z) * OF_B;
    let odd_b = g.y * (B * OF_B);
    return Six(g.x / (A2 * B2), even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, g.z);
}

fn of_four(g: vec4<f32>) -> Six {
    let even_a = (g.x + A2 * g.z) * OF_A;
    let odd_a = (g.y + A2 * g.w) * (A * OF_A);
    let even_b = (g.x + B2 * g.z) * OF_B;
    let odd_b = (g.y + B2 * g.w) * (B * OF_B);
    return Six(g.x / (A2 * B2), even_a + odd_a, even_a - odd_a, even_b + odd_b, even_b - odd_b, g.w);
}

fn to_four(m: Six) -> vec4<f32> {
    let even_a = m.s1 + m.s2;
    let odd_a = A * (m.s1 - m.s2);
    let even_b = m.s3 + m.s4;
    let odd_b = B * (m.s3 - m.s4);
    return vec4(m.s0 + even_a + even_b, odd_a + odd_b, A2 * even_a + B2 * even_b, A2 * odd_a + B2 * odd_b + m.s5);
}

fn to_three(m: Six) -> vec3<f32> {
    let even_a = m.s1 + m.s2;
    let even_b = m.s3 + m.s4;
    let odd = A * (m.s1 - m.s2) + B * (m.s3 - m.s4);
    return vec3(m.s0 + even_a + even_b, odd, A2 * even_a + B2 * even_b + m.s5);
}
