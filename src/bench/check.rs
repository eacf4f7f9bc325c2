//! Results against the f64 reference.

use std::fmt;

use super::case::{BenchCase, Places};
use super::error_map::ErrorMap;
use crate::tensor::{Array, DType, HostTensor};

/// The first result that is not what it must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    /// Its place in the output.
    pub index: Vec<usize>,
    /// What the kernel computed.
    pub found: f64,
    /// What the reference says.
    pub expected: f64,
    /// How many are wrong, of how many looked at.
    pub count: (usize, usize),
    /// Where they lie among those looked at.
    pub map: ErrorMap,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, found, expected, count: (wrong, all), .. } = self;
        write!(f, "{wrong} of {all} results are wrong, the first at {index:?}: {found}, not {expected}")
    }
}

/// What the results of a case must be, in whole or in part.
pub(super) struct Expected {
    places: Places,
    part: Array,
}

impl Expected {
    /// Computes the reference for these inputs.
    pub fn new(case: &BenchCase, inputs: &[HostTensor]) -> Self {
        let places = case.places();
        let parts: Vec<Array> =
            inputs.iter().enumerate().map(|(i, input)| case.part(Some(i), input, &places)).collect();
        let part = case.case.op.reference(&parts.iter().collect::<Vec<_>>());
        Self { places, part }
    }

    /// The largest |found − exact| / (1 + max(|exact|, rms)), with the root mean square of the exact results: a sum whose
    /// terms cancel rounds as others do.
    ///
    /// # Errors
    /// The first result beyond the case's tolerance.
    pub fn check(&self, case: &BenchCase, found: &HostTensor) -> Result<f64, Wrong> {
        let exact_type = found.ty().dtype == DType::U32;
        let found = case.part(None, found, &self.places);
        let square_sum: f64 = self.part.values.iter().map(|v| v * v).sum();
        let rms = (square_sum / self.part.values.len().max(1) as f64).sqrt();
        let (mut largest, mut wrong, mut first) = (0.0, Vec::with_capacity(self.part.values.len()), None);
        let shape = self.part.shape.clone();
        // Walks the indices in the order of the values.
        let mut at = 0;
        Array::from_fn(shape, |index| {
            let (value, exact) = (found.values[at], self.part.values[at]);
            at += 1;
            let error = (value - exact).abs() / (1.0 + exact.abs().max(rms));
            // Written so that NaN is wrong.
            let right = if exact_type { value == exact } else { error <= case.case.tolerance };
            wrong.push(!right);
            if !right {
                first.get_or_insert_with(|| (case.whole_index(index, &self.places), value, exact));
            }
            largest = f64::max(largest, error);
            0.0
        });
        match first {
            None => Ok(largest),
            Some((index, found, expected)) => {
                let columns = self.part.shape.last().copied().unwrap_or(1);
                let count = (wrong.iter().filter(|&&wrong| wrong).count(), at);
                Err(Wrong { index, found, expected, count, map: ErrorMap::new(&wrong, columns) })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{
        Convolution, ConvolutionPass, Product, Recurrence, RecurrencePass, convolution, product, recurrence,
    };
    use crate::ops::recurrent::Cell;
    use crate::tensor::TensorType;

    /// The reference's whole result, as a kernel would give it.
    fn computed(case: &BenchCase) -> (Vec<HostTensor>, HostTensor) {
        let inputs = case.values().unwrap();
        let arrays: Vec<Array> = inputs.iter().map(HostTensor::to_array).collect();
        let output = case.case.op.reference(&arrays.iter().collect::<Vec<_>>());
        let values = output.values.iter().map(|&v| v as f32).collect();
        let tensor = HostTensor::f32(output.shape, values).unwrap();
        (inputs, tensor)
    }

    #[test]
    fn a_part_of_a_product_is_what_the_whole_says() {
        let wide = Product { m: 300, n: 230, k: 260, transpose_b: true, ..Product::default() };
        let case = product(&wide).unwrap();
        let (inputs, output) = computed(&case);
        let expected = Expected::new(&case, &inputs);
        assert!(expected.part.values.len() < 600, "a part");
        assert!(expected.check(&case, &output).unwrap() < 1e-6);
        // Both corners are looked at.
        for at in [0, 300 * 230 - 1] {
            let mut values = output.as_f32().unwrap().to_vec();
            values[at] += 0.01;
            let output = HostTensor::f32([300, 230], values).unwrap();
            let wrong = expected.check(&case, &output).unwrap_err();
            assert_eq!((wrong.index.clone(), wrong.count.0), (vec![at / 230, at % 230], 1), "{wrong}");
        }
        let nothing = HostTensor::from_bytes(&TensorType::f32([300, 230]), &vec![0xff; 300 * 230 * 4]).unwrap();
        assert!(expected.check(&case, &nothing).is_err(), "NaN is wrong");
    }

    #[test]
    fn a_part_of_a_recurrent_layer_is_what_the_whole_says() {
        for cell in [Cell::RnnTanh, Cell::Lstm, Cell::GruResetAfter] {
            for pass in [RecurrencePass::Forward, RecurrencePass::Backward] {
                let case = recurrence(&Recurrence { cell, hidden: 96, batch: 65, steps: 30 }, pass).unwrap();
                let (inputs, output) = computed(&case);
                let expected = Expected::new(&case, &inputs);
                let count = output.shape().count();
                assert!(expected.part.values.len() < count, "{cell:?} {pass:?}: a part");
                assert!(expected.check(&case, &output).unwrap() < 1e-6, "{cell:?} {pass:?}");
                // The last sequence is looked at: the last unit of its last tensor.
                let mut values = output.as_f32().unwrap().to_vec();
                values[count - 1] += 0.5;
                let wrong = expected.check(&case, &HostTensor::f32([count], values).unwrap()).unwrap_err();
                assert_eq!((wrong.index.clone(), wrong.count.0), (vec![count - 1], 1), "{wrong}");
            }
        }
    }

    #[test]
    fn a_part_of_a_convolution_is_what_the_whole_says() {
        for pass in [ConvolutionPass::Forward, ConvolutionPass::DInput, ConvolutionPass::DWeight] {
            let conv = Convolution { batch: 20, channels: 40, size: [12, 10], filters: 40, ..Convolution::default() };
            let case = convolution(&conv, pass).unwrap();
            let (inputs, output) = computed(&case);
            let expected = Expected::new(&case, &inputs);
            assert!(expected.part.values.len() < output.shape().count(), "{pass:?}: a part");
            assert!(expected.check(&case, &output).unwrap() < 1e-6, "{pass:?}");
        }
    }
}
