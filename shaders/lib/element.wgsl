// Element i of a tensor bound as words: f32, or where HALF f16, two in a word.
fn place_of(i: u32) -> u32 {
    return select(i, i / 2u, HALF);
}

fn element_of(word: u32, i: u32) -> f32 {
    if (HALF) {
        return unpack2x16float(word)[i % 2u];
    }
    return bitcast<f32>(word);
}
