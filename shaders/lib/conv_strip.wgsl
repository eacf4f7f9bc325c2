// What the conv2d_few kernels share: words of `image`, and what a tap takes of them.
#import image_word

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
