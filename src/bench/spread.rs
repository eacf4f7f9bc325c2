//! The middle of several measurements, and how far they lie apart.

/// Order statistics of measurements, in their unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Half of them are at most this.
    pub median: f64,
    /// The first quartile: three quarters are at least this.
    pub low: f64,
    /// The third quartile.
    pub high: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// How many there are.
    pub count: usize,
}

impl Spread {
    /// Of `samples`, which are in any order. Of none, all is NaN.
    pub fn of(samples: &[f64]) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        // Between two measurements, in proportion.
        let at = |share: f64| {
            let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
            let place = share * last as f64;
            let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
            below + (above - below) * place.fract()
        };
        Self { median: at(0.5), low: at(0.25), high: at(0.75), min: at(0.0), max: at(1.0), count: sorted.len() }
    }

    /// `amount` over each: from times to rates.
    #[must_use]
    pub fn rate(&self, amount: f64) -> Self {
        let Self { median, low, high, min, max, count } = *self;
        Self {
            median: amount / median,
            low: amount / high,
            high: amount / low,
            min: amount / max,
            max: amount / min,
            count,
        }
    }

    /// Each times `factor`, which is positive.
    #[must_use]
    pub fn scaled(&self, factor: f64) -> Self {
        let Self { median, low, high, min, max, count } = *self;
        Self {
            median: median * factor,
            low: low * factor,
            high: high * factor,
            min: min * factor,
            max: max * factor,
            count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_measurements() {
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!((spread.min, spread.low, spread.median, spread.high, spread.max), (1.0, 1.75, 2.5, 3.25, 4.0));
        let one = Spread::of(&[7.0]);
        assert_eq!((one.low, one.median, one.high, one.count), (7.0, 7.0, 7.0, 1));
        assert!(Spread::of(&[]).median.is_nan());
    }

    #[test]
    fn the_slowest_time_is_the_lowest_rate() {
        let rate = Spread::of(&[1.0, 2.0, 4.0]).rate(8.0);
        assert_eq!((rate.min, rate.median, rate.max), (2.0, 4.0, 8.0));
    }
}
