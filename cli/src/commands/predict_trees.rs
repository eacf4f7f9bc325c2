//! `girih predict` of a classifier of the nodes of trees.

use std::path::Path;

use anyhow::{Result, bail};
use girih::data::trees::{Order, Part, Room, SENTIMENTS, Tree, parse_trees};
use girih::data::{KNOWN_SETS, Root};
use girih::plan::PlanOptions;
use girih::train::TreeScorer;
use serde::Serialize;

use crate::args::{self, Global};
use crate::engine::{self, failed};
use crate::error::{told, usage};
use crate::output::Output;
use crate::task::trees::TreeDescription;
use crate::trained::Trained;
use crate::tree_drawing::{self, Drawn};

/// A node as JSON has it.
#[derive(Serialize)]
struct NodeLine<'a> {
    words: String,
    class: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    scores: &'a [f32],
}

/// The JSON line of a tree.
#[derive(Serialize)]
struct Line<'a> {
    tree: &'a str,
    class: &'a str,
    words: u64,
    unknown_words: u64,
    /// Children before parents; the root is the last.
    nodes: Vec<NodeLine<'a>>,
}

/// Runs `girih predict` on a model of trees.
///
/// # Errors
/// A tree does not read or does not fit the model, the adapter cannot be used, or the drawing cannot be written.
pub fn run(
    flags: &args::Predict,
    trained: &Trained,
    description: &TreeDescription,
    global: &Global,
    output: Output,
) -> Result<()> {
    if flags.sheet.is_some() {
        return usage("--sheet draws images; --svg draws trees");
    }
    let root = Root::find(global.data_root.as_deref());
    let trees = flags.inputs.iter().map(|input| read(&root, input)).collect::<Result<Vec<Tree>>>()?;
    let vocabulary = description.vocabulary();
    let unknown: Vec<(u64, u64)> = trees.iter().map(|tree| vocabulary.count_unknown([tree])).collect();
    // One for all: together they are scored level by level.
    let all: Vec<&Tree> = trees.iter().collect();
    let room = Room::for_trees(all.iter().copied(), Order::Heights);
    let net = description.net_for(&trees);
    if room.arity > net.arity {
        bail!("a node has {} children, and the model takes {} at most", room.arity, net.arity);
    }
    let room = Room { arity: net.arity, ..room };
    let device = engine::open(global)?;
    let scorer = TreeScorer::new(&device, &net, vocabulary, room, &PlanOptions::default());
    let scorer = scorer.map_err(failed)?;
    trained.restore(scorer.variables())?;
    let scores = scorer.score_blocking(&all).map_err(failed)?;
    let drawn: Vec<Drawn> = trees.into_iter().zip(scores).map(|(tree, scores)| Drawn::new(tree, scores)).collect();
    // The drawing first: one that cannot be written is told before trees scroll by.
    if let Some(path) = &flags.svg {
        write_svg(path, &drawn)?;
    }
    for (number, ((name, tree), (unknown_words, words))) in flags.inputs.iter().zip(&drawn).zip(unknown).enumerate() {
        let nodes: Vec<NodeLine> = (0..tree.scores.len())
            .map(|node| NodeLine {
                words: tree.words(node),
                class: SENTIMENTS[tree.class(node)],
                label: tree.tree.nodes()[node].label.and_then(|label| SENTIMENTS.get(label as usize).copied()),
                scores: &tree.scores[node],
            })
            .collect();
        let class = SENTIMENTS[tree.class(tree.tree.root())];
        output.json(&Line { tree: name, class, words, unknown_words, nodes })?;
        if number > 0 {
            output.text("")?;
        }
        output.text(tree_drawing::text(tree))?;
        if unknown_words > 0 {
            output.text(format!("{unknown_words} of {words} words unknown"))?;
        }
    }
    match &flags.svg {
        Some(path) => output.text(format!("\nThe drawing is {}.", path.display())),
        None => Ok(()),
    }
}

fn write_svg(path: &Path, drawn: &[Drawn]) -> Result<()> {
    crate::run_folder::write_whole(path, tree_drawing::svg(drawn).as_bytes())
}

/// A tree as the command line names it: `sst:test:17`, an s-expression, or a sentence, which branches to the right.
fn read(root: &Root, input: &str) -> Result<Tree> {
    if input.trim_start().starts_with('(') {
        let mut trees = parse_trees(input, Path::new("the tree"), SENTIMENTS.len() as u32).map_err(told)?;
        return match (trees.pop(), trees.len()) {
            (Some(tree), 0) => Ok(tree),
            _ => usage(format!("one tree at a time: {input}")),
        };
    }
    let parts: Vec<&str> = input.rsplitn(3, ':').collect();
    if let [index, part, data] = parts[..]
        && let (Ok(index), Some(part)) = (index.parse::<usize>(), Part::named(part))
    {
        let mut trees = root.load_trees(data, part).map_err(told)?;
        if index >= trees.len() {
            bail!("there is no tree {input}: {data} has {} there, counted from 0", trees.len());
        }
        return Ok(trees.swap_remove(index));
    }
    // Not a sentence of one word, but a tree named wrong.
    if let [index, part, data] = parts[..]
        && !input.contains(char::is_whitespace)
        && (Path::new(data).is_dir() || KNOWN_SETS.iter().any(|set| set.name == data))
    {
        return usage(format!("{data}:{part}:{index} is no tree: DATA:train, dev or test:NUMBER wanted"));
    }
    match Tree::branching_right(input) {
        Some(tree) => Ok(tree),
        None => usage("a sentence without words"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_named_in_three_ways() {
        let place = tempfile::tempdir().unwrap();
        std::fs::write(place.path().join("dev.txt"), "(3 (2 a) (4 b))\n(1 c)\n").unwrap();
        let root = Root::find(None);
        let words = |input: &str| read(&root, input).map(|tree| tree.words().collect::<Vec<_>>().join(" "));
        assert_eq!(words(" (? (? x) (? y))").unwrap(), "x y");
        assert_eq!(words("so it goes").unwrap(), "so it goes");
        let folder = place.path().display();
        assert_eq!(words(&format!("{folder}:dev:1")).unwrap(), "c");
        let error = words(&format!("{folder}:dev:2")).unwrap_err().to_string();
        assert!(error.ends_with("has 2 there, counted from 0"), "{error}");
        assert!(words("sst:valid:1").unwrap_err().to_string().contains("train, dev or test"));
        for (input, why) in [("(? (? x)", "line 1, column 1"), ("(? a)(? b)", "one tree"), (" ", "without words")] {
            assert!(words(input).unwrap_err().to_string().contains(why), "{input}");
        }
    }
}
