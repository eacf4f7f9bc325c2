//! A batch of trees as tables: nodes by level, whatever tree they are of.

use super::{DataError, Over, Tree, Vocabulary};

/// No node, no word: past the end of every table.
const NONE: u32 = u32::MAX;

/// How much a forest's tables have room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Leaves.
    pub leaves: usize,
    /// Inner nodes.
    pub inner: usize,
    /// Levels of inner nodes.
    pub levels: usize,
    /// Children of a node.
    pub arity: usize,
}

/// Which nodes share a level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// All of one height.
    #[default]
    Heights,
    /// None: every inner node has a level of its own, in the trees' order. To measure the other by.
    OneByOne,
}

/// A batch of trees, sorted by level. Leaves are rows from 0 on, inner nodes from [`Room::leaves`] on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forest {
    /// The word of each leaf, `[leaves]`; past all words where there is none.
    pub words: Vec<u32>,
    /// The rows of each inner node's children, `[inner, arity]`; past all rows where there is none.
    pub children: Vec<u32>,
    /// How many inner nodes and leaves there are, then the first inner node of each level and how many it has,
    /// `[1 + levels, 2]`.
    pub levels: Vec<u32>,
    /// The label of each row, `[leaves + inner]`; `u32::MAX` where there is none.
    pub labels: Vec<u32>,
    /// The row of each node of each tree.
    pub rows: Vec<Vec<u32>>,
}

impl Room {
    /// Room for these trees together, and no more; of at least one of everything.
    pub fn for_trees<'a>(trees: impl IntoIterator<Item = &'a Tree>, order: Order) -> Self {
        let mut room = Self { leaves: 0, inner: 0, levels: 1, arity: 1 };
        for tree in trees {
            let leaves = tree.words().count();
            room.leaves += leaves;
            room.inner += tree.nodes().len() - leaves;
            room.levels = room.levels.max(tree.heights().last().map_or(0, |&height| height as usize));
            room.arity = room.arity.max(tree.arity());
        }
        room.inner = room.inner.max(1);
        if order == Order::OneByOne {
            room.levels = room.inner;
        }
        room
    }

    /// Whether there is room for as many leaves, inner nodes and levels as in `other`.
    pub fn holds(&self, other: &Self) -> bool {
        self.leaves >= other.leaves && self.inner >= other.inner && self.levels >= other.levels
    }

    /// Room for twice as many, `times` times over.
    #[must_use]
    pub fn doubled(&self, times: u32) -> Self {
        let double = |n: usize| n.saturating_mul(2usize.saturating_pow(times));
        Self { leaves: double(self.leaves), inner: double(self.inner), levels: double(self.levels), arity: self.arity }
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.leaves + self.inner
    }
}

impl Forest {
    /// The tables of `trees`, with `room`.
    ///
    /// # Errors
    /// When a node has more children than there is room for, or the trees have more nodes or levels.
    pub fn new(trees: &[&Tree], vocabulary: &Vocabulary, room: &Room, order: Order) -> Result<Self, DataError> {
        let wanted = Room::for_trees(trees.iter().copied(), order);
        let refuse = |what, problem| Err(DataError::Argument { what, problem });
        if wanted.arity > room.arity {
            let problem = format!("a node has {} children, and the model takes {} at most", wanted.arity, room.arity);
            return refuse("trees", problem);
        }
        if !room.holds(&wanted) {
            return refuse("trees", format!("{wanted:?} is needed, but there is {room:?}"));
        }
        let mut words = vec![NONE; room.leaves];
        let mut children = vec![NONE; room.inner * room.arity];
        let mut labels = vec![NONE; room.rows()];
        let mut levels = vec![0; 2 * (1 + room.levels)];
        let heights: Vec<Vec<u32>> = trees.iter().map(|tree| tree.heights()).collect();
        // How many nodes each level has, and with that where it begins.
        let mut place = 0;
        let mut level_of = |height: u32| {
            if order == Order::Heights || height == 0 {
                return height as usize;
            }
            place += 1;
            place
        };
        let level: Vec<Vec<usize>> = heights.iter().map(|tree| tree.iter().map(|&h| level_of(h)).collect()).collect();
        let mut counts = vec![0u32; room.levels + 1];
        level.iter().flatten().for_each(|&level| counts[level] += 1);
        let mut first = 0;
        for (row, &count) in levels.chunks_exact_mut(2).zip(&counts).skip(1) {
            row.copy_from_slice(&[first, count]);
            first += count;
        }
        levels[..2].copy_from_slice(&[first, counts[0]]);
        let mut next: Vec<u32> = levels.iter().step_by(2).copied().collect();
        next[0] = 0;
        let mut rows: Vec<Vec<u32>> = Vec::with_capacity(trees.len());
        for (tree, level) in trees.iter().zip(&level) {
            let mut own: Vec<u32> = Vec::with_capacity(tree.nodes().len());
            for (node, &level) in tree.nodes().iter().zip(level) {
                let at = next[level];
                next[level] += 1;
                let row = match &node.over {
                    Over::Word(word) => {
                        words[at as usize] = vocabulary.number(word);
                        at
                    }
                    Over::Children(nodes) => {
                        let slots = &mut children[at as usize * room.arity..];
                        slots.iter_mut().zip(nodes).for_each(|(slot, &child)| *slot = own[child as usize]);
                        room.leaves as u32 + at
                    }
                };
                labels[row as usize] = node.label.unwrap_or(NONE);
                own.push(row);
            }
            rows.push(own);
        }
        Ok(Self { words, children, levels, labels, rows })
    }

    /// Nodes of all trees.
    pub fn node_count(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::trees::parse_trees;
    use std::path::Path;

    fn trees(text: &str) -> Vec<Tree> {
        parse_trees(text, Path::new("t"), 5).unwrap()
    }

    #[test]
    fn nodes_lie_by_height_and_children_are_found() {
        let trees = trees("(4 (3 (2 a) (1 b)) (2 c)) (0 (1 d) (2 e)) (3 b)");
        let trees: Vec<&Tree> = trees.iter().collect();
        let vocabulary = Vocabulary::new(["a", "b", "c"].map(str::to_owned).to_vec());
        let room = Room { leaves: 8, inner: 4, levels: 3, arity: 2 };
        let forest = Forest::new(&trees, &vocabulary, &room, Order::Heights).unwrap();
        assert_eq!(forest.words, [1, 2, 3, 0, 0, 2, NONE, NONE]);
        assert_eq!(forest.levels, [3, 6, 0, 2, 2, 1, 3, 0]);
        assert_eq!(forest.children, [0, 1, 3, 4, 8, 2, NONE, NONE]);
        assert_eq!(forest.labels, [2, 1, 2, 1, 2, 3, NONE, NONE, 3, 0, 4, NONE]);
        assert_eq!(forest.rows, [vec![0, 1, 8, 2, 10], vec![3, 4, 9], vec![5]]);
        let room = Room { levels: 4, ..room };
        let one_by_one = Forest::new(&trees, &vocabulary, &room, Order::OneByOne).unwrap();
        assert_eq!(one_by_one.levels, [3, 6, 0, 1, 1, 1, 2, 1, 3, 0]);
        assert_eq!(one_by_one.children, [0, 1, 8, 2, 3, 4, NONE, NONE]);
        assert_eq!(forest.node_count(), 9);
    }

    #[test]
    fn what_there_is_no_room_for_is_refused() {
        let trees = trees("(4 (3 (2 a) (1 b)) (2 c) (2 d))");
        let trees: Vec<&Tree> = trees.iter().collect();
        let whole = Room::for_trees(trees.iter().copied(), Order::Heights);
        assert_eq!(whole, Room { leaves: 4, inner: 2, levels: 2, arity: 3 });
        let build = |room: Room| {
            Forest::new(&trees, &Vocabulary::default(), &room, Order::Heights).map_err(|error| error.to_string())
        };
        assert!(build(whole).is_ok());
        let error = build(Room { arity: 2, ..whole }).unwrap_err();
        assert_eq!(error, "trees: a node has 3 children, and the model takes 2 at most");
        for less in [Room { leaves: 3, ..whole }, Room { inner: 1, ..whole }, Room { levels: 1, ..whole }] {
            assert!(build(less).unwrap_err().contains("levels: 2"), "{less:?}");
            assert!(build(less.doubled(1)).is_ok());
        }
    }
}
