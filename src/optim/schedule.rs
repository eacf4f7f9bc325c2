//! Learning rates as pure functions of the step.

use std::f64::consts::PI;

/// How the learning rate changes from step to step. Definitions are PyTorch's; steps count from 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Schedule {
    /// Always the base rate.
    #[default]
    Constant,
    /// The base rate times `factor` to the number of whole periods gone (`StepLR`).
    Step {
        /// Steps of a period.
        period: u64,
        /// What each period multiplies by.
        factor: f64,
    },
    /// Half a cosine from the base rate down to `end`, which it then keeps (`CosineAnnealingLR`; Loshchilov and Hutter,
    /// *SGDR*, 2017).
    Cosine {
        /// Steps on the way.
        steps: u64,
        /// The last rate.
        end: f64,
    },
    /// Up from a fraction of the base rate to it and down to nearly nothing.
    OneCycle(OneCycle),
    /// A straight line from `start` times the base rate to the base rate (`LinearLR`), then `then`, whose steps count
    /// from there (`SequentialLR`).
    WarmUp {
        /// Steps on the way.
        steps: u64,
        /// The first rate, as a fraction of the base rate.
        start: f64,
        /// What follows.
        then: Box<Schedule>,
    },
}

/// One cycle (`OneCycleLR` with cosine annealing; Smith and Topin, *Super-Convergence*, 2018). The base rate is the
/// largest one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneCycle {
    /// Steps of the cycle; afterwards the last rate stays.
    pub steps: u64,
    /// The part of the steps in which the rate rises.
    pub rise: f64,
    /// The first rate is the base rate divided by this.
    pub start_divisor: f64,
    /// The last rate is the first one divided by this.
    pub end_divisor: f64,
}

impl OneCycle {
    /// A cycle of `steps` steps with PyTorch's defaults: 30 % rising, from 1/25 of the base rate, to 1/10,000 of that.
    pub fn new(steps: u64) -> Self {
        Self { steps, rise: 0.3, start_divisor: 25.0, end_divisor: 1e4 }
    }

    fn rate(&self, base: f64, step: u64) -> f64 {
        let start = base / self.start_divisor;
        let end = start / self.end_divisor;
        let last = self.steps as f64 - 1.0;
        let top = self.rise * self.steps as f64 - 1.0;
        let step = (step as f64).min(last);
        if step <= top {
            half_cosine(start, base, step / top)
        } else {
            half_cosine(base, end, (step - top) / (last - top))
        }
    }
}

impl Schedule {
    /// The learning rate of step `step`, counted from 0, for this base rate.
    pub fn rate(&self, base: f64, step: u64) -> f64 {
        match self {
            Self::Constant => base,
            Self::Step { period, factor } => base * factor.powf((step / (*period).max(1)) as f64),
            Self::Cosine { steps, end } => half_cosine(base, *end, (step as f64 / *steps as f64).min(1.0)),
            Self::OneCycle(cycle) => cycle.rate(base, step),
            Self::WarmUp { steps, start, .. } if step < *steps => {
                base * (start + (1.0 - start) * step as f64 / *steps as f64)
            }
            Self::WarmUp { steps, then, .. } => then.rate(base, step - steps),
        }
    }
}

/// Half a cosine from `from` to `to`, at `way` in `[0, 1]`; an empty way (0 / 0) is at its end.
fn half_cosine(from: f64, to: f64, way: f64) -> f64 {
    let way = if way.is_nan() { 1.0 } else { way };
    to + (from - to) / 2.0 * (1.0 + (PI * way).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn shapes() {
        let step = Schedule::Step { period: 3, factor: 0.1 };
        assert!([0, 2, 3, 6].map(|t| step.rate(1.0, t)).iter().zip([1.0, 1.0, 0.1, 0.01]).all(|(&a, b)| close(a, b)));
        let cosine = Schedule::Cosine { steps: 10, end: 0.2 };
        assert!(close(cosine.rate(1.0, 0), 1.0) && close(cosine.rate(1.0, 5), 0.6) && close(cosine.rate(1.0, 99), 0.2));
        let warm = Schedule::WarmUp { steps: 4, start: 0.0, then: Box::new(step) };
        assert!(
            [0, 2, 4, 6, 7].map(|t| warm.rate(1.0, t)).iter().zip([0.0, 0.5, 1.0, 1.0, 0.1]).all(|(&a, b)| close(a, b))
        );
        let cycle = Schedule::OneCycle(OneCycle::new(100));
        assert!(
            close(cycle.rate(1.0, 0), 0.04) && close(cycle.rate(1.0, 29), 1.0) && close(cycle.rate(1.0, 500), 4e-6)
        );
    }

    #[test]
    fn degenerate_lengths_stay_finite() {
        for steps in 0..4 {
            let schedules = [
                Schedule::Step { period: steps, factor: 0.5 },
                Schedule::Cosine { steps, end: 0.0 },
                Schedule::OneCycle(OneCycle::new(steps)),
                Schedule::WarmUp { steps, start: 0.1, then: Box::default() },
            ];
            for schedule in schedules {
                assert!((0..6).all(|step| schedule.rate(0.1, step).is_finite()), "{schedule:?}");
            }
        }
    }
}
