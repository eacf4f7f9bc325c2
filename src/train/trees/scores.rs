//! How well the classes of nodes are told, of roots and of all nodes, fine and binary.

use crate::data::trees::Forest;

/// Shares of right answers, for classes that go from worst to best with a neutral one in the middle, as those of the
/// Stanford Sentiment Treebank do.
///
/// Fine is the class itself. Binary leaves out nodes that are labelled neutral, and asks whether the classes above the
/// middle have more of the probability than those below.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TreeScores {
    /// Of roots, fine.
    pub root_accuracy: f32,
    /// Of roots, binary.
    pub root_binary_accuracy: f32,
    /// Of all nodes, fine.
    pub node_accuracy: f32,
    /// Of all nodes, binary.
    pub node_binary_accuracy: f32,
    /// Roots.
    pub roots: u64,
    /// Labelled nodes.
    pub nodes: u64,
}

/// Counts right answers, step by step.
#[derive(Clone, Debug)]
pub struct Tally {
    steps: std::vec::IntoIter<Forest>,
    classes: usize,
    roots: Counts,
    nodes: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    fine: u64,
    all: u64,
    binary: u64,
    sided: u64,
}

impl Counts {
    fn add(&mut self, label: usize, logits: &[f32]) {
        let best = (0..).zip(logits).reduce(|best: (usize, _), next| if next.1 > best.1 { next } else { best });
        self.all += 1;
        self.fine += u64::from(best.is_some_and(|(class, _)| class == label));
        let (middle, above) = (logits.len() / 2, logits.len().div_ceil(2));
        if label < middle || label >= above {
            let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let weight = |part: &[f32]| part.iter().map(|x| (x - largest).exp()).sum::<f32>();
            self.sided += 1;
            self.binary += u64::from((weight(&logits[above..]) > weight(&logits[..middle])) == (label >= above));
        }
    }
}

impl Tally {
    pub(super) fn new(steps: Vec<Forest>, classes: usize) -> Self {
        Self { steps: steps.into_iter(), classes, roots: Counts::default(), nodes: Counts::default() }
    }

    /// Counts the next step, by the logits `[rows, classes]` of all rows.
    pub fn add(&mut self, logits: &[f32]) {
        let Some(forest) = self.steps.next() else { return };
        for tree in &forest.rows {
            for (&row, is_root) in tree.iter().rev().zip(std::iter::once(true).chain(std::iter::repeat(false))) {
                let label = forest.labels[row as usize] as usize;
                let Some(logits) = logits.chunks_exact(self.classes).nth(row as usize) else { continue };
                if label < self.classes {
                    self.nodes.add(label, logits);
                    if is_root {
                        self.roots.add(label, logits);
                    }
                }
            }
        }
    }

    /// The shares so far.
    pub fn scores(&self) -> TreeScores {
        let share = |right: u64, of: u64| if of == 0 { 0.0 } else { right as f32 / of as f32 };
        TreeScores {
            root_accuracy: share(self.roots.fine, self.roots.all),
            root_binary_accuracy: share(self.roots.binary, self.roots.sided),
            node_accuracy: share(self.nodes.fine, self.nodes.all),
            node_binary_accuracy: share(self.nodes.binary, self.nodes.sided),
            roots: self.roots.all,
            nodes: self.nodes.all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::trees::{Order, Room, Tree, Vocabulary, parse_trees};

    #[test]
    fn neutral_nodes_count_for_fine_alone() {
        let trees = parse_trees("(4 (2 a) (1 b))", std::path::Path::new("t"), 5).unwrap();
        let trees: Vec<&Tree> = trees.iter().collect();
        let room = Room::for_trees(trees.iter().copied(), Order::Heights);
        let forest = Forest::new(&trees, &Vocabulary::default(), &room, Order::Heights).unwrap();
        let mut tally = Tally::new(vec![forest], 5);
        // Neutral, rightly; positive, wrongly; and positive rather than very positive.
        tally.add(&[0., 0., 9., 0., 0., 0., 0., 0., 9., 0., 0., 0., 0., 9., 0.]);
        let scores = tally.scores();
        assert_eq!((scores.root_accuracy, scores.root_binary_accuracy), (0.0, 1.0));
        assert_eq!((scores.node_accuracy, scores.node_binary_accuracy), (1.0 / 3.0, 0.5));
        assert_eq!((scores.roots, scores.nodes), (1, 3));
    }
}
