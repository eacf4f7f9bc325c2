//! A graph as text and as Graphviz dot.

use std::fmt;
use std::fmt::Write as _;

use super::builder::Graph;
use super::node::{Kind, Node};

impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, node) in self.ids().zip(self.nodes()) {
            let inputs: Vec<String> = node.inputs.iter().map(|i| format!("%{}", i.0)).collect();
            write!(f, "%{} = {}({}): {}", id.0, label(self, node), inputs.join(", "), node.ty)?;
            writeln!(f, "{}{}", if node.path.is_empty() { "" } else { "  # " }, node.path)?;
        }
        Ok(())
    }
}

fn label(graph: &Graph, node: &Node) -> String {
    match &node.kind {
        Kind::Input(name) => format!("input {name}"),
        Kind::Variable(id) => format!("variable {}", graph.variables()[id.0 as usize].name),
        Kind::Bank(id) => format!("bank {}", graph.banks()[id.0 as usize].name),
        Kind::Scalar(value) => format!("{value}"),
        Kind::Constant(_) => "constant".to_owned(),
        Kind::Op(op) => op.name().to_owned(),
    }
}

/// The graph in Graphviz's dot language, one box a layer.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from("digraph girih {\n  rankdir=TB; node [shape=box, fontname=\"sans-serif\"];\n");
    let mut paths: Vec<&str> = graph.nodes().iter().map(|n| n.path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    // Writing to a string cannot fail.
    for (cluster, path) in paths.iter().enumerate() {
        let boxed = !path.is_empty();
        if boxed {
            let _ = writeln!(out, "  subgraph cluster_{cluster} {{ label=\"{path}\";");
        }
        for (id, node) in graph.ids().zip(graph.nodes()).filter(|(_, n)| n.path == *path) {
            let text = format!("{}\\n{}", label(graph, node), node.ty).replace('"', "\\\"");
            let _ = writeln!(out, "    n{} [label=\"{text}\"];", id.0);
        }
        if boxed {
            out.push_str("  }\n");
        }
    }
    for (id, node) in graph.ids().zip(graph.nodes()) {
        for input in &node.inputs {
            let _ = writeln!(out, "  n{} -> n{};", input.0, id.0);
        }
    }
    out.push_str("}\n");
    out
}
