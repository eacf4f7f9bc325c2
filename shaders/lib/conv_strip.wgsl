// What the conv2d_few kernels share: words of four neighbours of a row of `image`, and what lies beside them.

// A word; zero where there is none.
fn word_at(at: u32, there: bool) -> vec4<f32> {
    return select(vec4<f32>(), image[select(0u, at, there)], there);
}

// Word `place` of the row of words that begins at `line`; zero past either end (before the first, `place` has wrapped), and
// where there is no such row.
fn image_word(line: u32, place: u32, there: bool) -> vec4<f32> {
    return word_at(line + place, there && place < p.words);
}

// The four neighbours that tap `kx` takes, of a word and the elements to its left and right.
fn tapped(left: f32, word: vec4<f32>, right: f32, kx: u32) -> vec4<f32> {
    if (kx < PAD_X) {
        return vec4<f32>(left, word.xyz);
    }
    if (kx > PAD_X) {
        return vec4<f32>(word.yzw, right);
    }
    return word;
}
