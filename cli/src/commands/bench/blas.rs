//! One BLAS on this machine's cores, beside the kernels: the f32 kernels of the `gemm` crate.

use std::time::Instant;

use girih::bench::Spread;
use girih::tensor::random::Random;

/// A product of an M×K and a K×N matrix, row-major, ready to run.
pub struct Blas {
    m: usize,
    n: usize,
    k: usize,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

impl Blas {
    /// Random operands.
    pub fn new([m, n, k]: [usize; 3]) -> Self {
        let mut random = Random::new(1, 0, 9);
        let mut draw = |count: usize| (0..count).map(|_| 2.0 * random.uniform() - 1.0).collect();
        Self { m, n, k, a: draw(m * k), b: draw(k * n), c: vec![0.0; m * n] }
    }

    /// Seconds of a product on all cores: up to `rounds` measurements, within `budget` seconds or one.
    pub fn time(&mut self, rounds: usize, budget: f64) -> Spread {
        // Short products are repeated until the clock sees them.
        const LEAST: f64 = 0.005;
        let mut run = |repeats: usize| {
            let start = Instant::now();
            (0..repeats).for_each(|_| self.multiply());
            start.elapsed().as_secs_f64() / repeats as f64
        };
        run(1);
        let warm = run(1).max(1e-9);
        let repeats = (LEAST / warm).ceil().clamp(1.0, 1000.0) as usize;
        let rounds = ((budget / (warm * repeats as f64)) as usize).clamp(1, rounds.max(1));
        Spread::of(&(0..rounds).map(|_| run(repeats)).collect::<Vec<_>>())
    }

    /// c = a · b. The crate's kernels store by columns: cᵀ = bᵀ · aᵀ is the same without a transposition.
    #[allow(unsafe_code)]
    fn multiply(&mut self) {
        let &mut Self { m, n, k, ref a, ref b, ref mut c } = self;
        let (of_a, of_b) = (k as isize, n as isize);
        let multiply = gemm_f32::gemm::f32::get_gemm_fn();
        // SAFETY: the strides stay within a (m × k), b (k × n) and c (m × n), which are as long as that; c, which is not
        // read, overlaps neither.
        unsafe {
            multiply(
                n,
                m,
                k,
                c.as_mut_ptr(),
                of_b,
                1,
                false,
                b.as_ptr(),
                of_b,
                1,
                a.as_ptr(),
                of_a,
                1,
                0.0,
                1.0,
                false,
                false,
                false,
                gemm_common::Parallelism::Rayon(0),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_is_right() {
        let mut blas = Blas::new([5, 7, 9]);
        blas.multiply();
        for i in 0..5 {
            for j in 0..7 {
                let sum: f32 = (0..9).map(|l| blas.a[i * 9 + l] * blas.b[l * 7 + j]).sum();
                assert!((blas.c[i * 7 + j] - sum).abs() < 1e-5, "[{i}, {j}]");
            }
        }
        assert!(blas.time(3, 0.1).median > 0.0);
    }
}
