//! The rooms of ARCHITECTURE.md: a room imports only rooms above it, and only `gpu` names wgpu.

use std::path::{Path, PathBuf};

/// From top to bottom. `error` collects the errors of all rooms that a call can cross, so every room from `plan` on may
/// name it, and nothing may be inferred from it.
const ROOMS: &[&str] =
    &["tensor", "data", "gpu", "kernel", "graph", "ops", "autodiff", "plan", "nn", "optim", "train", "bench"];
/// Rooms that must not know of others above them, beyond the order.
const NEVER: &[(&str, &[&str])] = &[
    ("data", &["gpu", "kernel", "graph"]),
    ("nn", &["plan", "gpu", "kernel"]),
    ("optim", &["plan", "gpu", "kernel"]),
    ("autodiff", &["ops", "gpu", "kernel"]),
];
/// What may be named by its wgpu path outside `gpu`: nothing.
const WGPU: &str = "wgpu::";

#[test]
fn rooms_import_only_rooms_above() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    for (level, room) in ROOMS.iter().enumerate() {
        let files = files_of(&source, room);
        assert!(!files.is_empty(), "room {room} is empty");
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a source file");
            // Unit tests may build whole graphs.
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (number, line) in code.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
                let place = format!("{}:{}", file.display(), number + 1);
                for (other_level, other) in ROOMS.iter().enumerate() {
                    let named =
                        line.contains(&format!("crate::{other}::")) || line.contains(&format!("crate::{other};"));
                    let barred = NEVER.iter().any(|(from, to)| from == room && to.contains(other));
                    if named && (other_level > level || barred) {
                        faults.push(format!("{place}: {room} imports {other}"));
                    }
                }
                if *room != "gpu" && line.contains(WGPU) {
                    faults.push(format!("{place}: {room} names wgpu"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn files_of(source: &Path, room: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let single = source.join(format!("{room}.rs"));
    if single.exists() {
        files.push(single);
    }
    let mut folders = vec![source.join(room)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.map(|e| e.expect("a folder entry").path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    files
}
