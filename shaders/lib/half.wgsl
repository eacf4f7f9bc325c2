// f16 in storage, two in a word, the first one lower: read and written without f16 arithmetic, so everywhere.

// Infinite from 65,520 on, which no f16 is nearest to: drivers are free to round what is too large to the largest f16.
fn half_word(values: vec2<f32>) -> u32 {
    let over = abs(values) >= vec2<f32>(65520.0);
    let infinite = ((bitcast<vec2<u32>>(values) >> vec2<u32>(16u)) & vec2<u32>(0x8000u)) | vec2<u32>(0x7c00u);
    let word = pack2x16float(select(values, vec2<f32>(0.0), over));
    return word | select(0u, infinite.x, over.x) | select(0u, infinite.y << 16u, over.y);
}

fn half_words(values: vec4<f32>) -> vec2<u32> {
    return vec2<u32>(half_word(values.xy), half_word(values.zw));
}

fn half_values(words: vec2<u32>) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}
