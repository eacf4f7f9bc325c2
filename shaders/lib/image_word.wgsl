// Words of four neighbours of a row of `image`, which has `words` of them.

// A word; zero where there is none.
fn word_at(at: u32, there: bool) -> vec4<f32> {
    return select(vec4<f32>(), image[select(0u, at, there)], there);
}

// Word `place` of the row of words that begins at `line`; zero past either end (before the first, `place` has wrapped), and
// where there is no such row.
fn image_word(line: u32, place: u32, there: bool) -> vec4<f32> {
    return word_at(line + place, there && place < p.words);
}
