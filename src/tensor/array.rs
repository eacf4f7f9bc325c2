//! The f64 array every op's reference computes with.

use super::Shape;

/// A row-major f64 tensor. Integer tensors are held as whole numbers, which f64 represents exactly up to 2⁵³.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Extents, outermost first.
    pub shape: Shape,
    /// Elements, row-major.
    pub values: Vec<f64>,
}

impl Array {
    /// An array of `shape` over `values`.
    ///
    /// # Panics
    /// When the counts differ: a defect of the caller, never of user input.
    pub fn new(shape: impl Into<Shape>, values: Vec<f64>) -> Self {
        let shape = shape.into();
        assert_eq!(shape.count(), values.len(), "an array of shape {shape} over {} values", values.len());
        Self { shape, values }
    }

    /// An array of zeros.
    pub fn zeros(shape: impl Into<Shape>) -> Self {
        Self::full(shape, 0.0)
    }

    /// An array whose every element is `value`.
    pub fn full(shape: impl Into<Shape>, value: f64) -> Self {
        let shape = shape.into();
        let values = vec![value; shape.count()];
        Self { shape, values }
    }

    /// An array made element by element from the multi-index.
    pub fn from_fn(shape: impl Into<Shape>, mut f: impl FnMut(&[usize]) -> f64) -> Self {
        let shape = shape.into();
        let mut index = vec![0; shape.rank()];
        let values = (0..shape.count())
            .map(|_| {
                let value = f(&index);
                advance(&mut index, &shape);
                value
            })
            .collect();
        Self { shape, values }
    }

    /// The element at a multi-index, broadcast: leading axes of `index` that this array lacks are ignored and axes of
    /// extent 1 repeat.
    pub fn at(&self, index: &[usize]) -> f64 {
        let lead = index.len() - self.shape.rank();
        let position = index[lead..]
            .iter()
            .zip(self.shape.iter())
            .fold(0, |p, (&i, &extent)| p * extent + if extent == 1 { 0 } else { i });
        self.values[position]
    }

    /// The same elements under another shape of equal count.
    pub fn reshaped(&self, shape: impl Into<Shape>) -> Self {
        Self::new(shape, self.values.clone())
    }

    /// Each element mapped.
    pub fn map(&self, f: impl FnMut(f64) -> f64) -> Self {
        Self { shape: self.shape.clone(), values: self.values.iter().copied().map(f).collect() }
    }
}

/// Steps a multi-index to the next element in row-major order.
fn advance(index: &mut [usize], shape: &Shape) {
    for axis in (0..index.len()).rev() {
        index[axis] += 1;
        if index[axis] < shape[axis] {
            return;
        }
        index[axis] = 0;
    }
}
