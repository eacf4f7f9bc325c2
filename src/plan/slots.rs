//! Buffers shared by values whose lifetimes do not meet.

/// A run of slots, each a whole buffer: WebGPU forbids binding one buffer for reading and for writing in a dispatch, so
/// values cannot be packed into one arena.
#[derive(Debug, Default)]
pub(super) struct Slots {
    sizes: Vec<u64>,
    free: Vec<usize>,
    reuse: bool,
}

impl Slots {
    /// No slots yet. Without `reuse`, a slot is never given out again.
    pub fn new(reuse: bool) -> Self {
        Self { reuse, ..Self::default() }
    }

    /// A slot of at least `bytes`: the smallest free one that is large enough, else the largest free one, grown, else a
    /// new one.
    pub fn take(&mut self, bytes: u64) -> usize {
        let fitting = self.free.iter().copied().filter(|&s| self.sizes[s] >= bytes).min_by_key(|&s| self.sizes[s]);
        let slot = fitting.or_else(|| self.free.iter().copied().max_by_key(|&s| self.sizes[s]));
        if let Some(slot) = slot {
            self.free.retain(|&s| s != slot);
            self.grow(slot, bytes);
            return slot;
        }
        self.sizes.push(bytes);
        self.sizes.len() - 1
    }

    /// Has a slot be of `bytes` at least.
    pub fn grow(&mut self, slot: usize, bytes: u64) {
        self.sizes[slot] = self.sizes[slot].max(bytes);
    }

    /// Gives a slot back.
    pub fn release(&mut self, slot: usize) {
        if self.reuse {
            self.free.push(slot);
        }
    }

    /// Every slot's size in bytes.
    pub fn sizes(&self) -> &[u64] {
        &self.sizes
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;

    #[test]
    fn the_smallest_fitting_slot_is_taken_and_the_largest_grown() {
        let mut slots = Slots::new(true);
        let (a, b) = (slots.take(100), slots.take(10));
        slots.release(a);
        slots.release(b);
        assert_eq!(slots.take(5), b);
        assert_eq!(slots.take(200), a);
        assert_eq!(slots.sizes(), [200, 10]);
    }

    #[test]
    fn without_reuse_every_value_has_its_own() {
        let mut slots = Slots::new(false);
        let a = slots.take(8);
        slots.release(a);
        assert_ne!(slots.take(8), a);
    }
}
