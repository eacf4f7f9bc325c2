//! Downloads against a local HTTP server, broken and truncated transfers included.

mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use girih_cli::fetch::{Fetched, Patience, Source, Stage, fetch};
use md5::{Digest, Md5};
use server::{Manner, Server};
use tempfile::TempDir;

const LENGTH: u64 = 60_000;

/// An archive of a folder with the files given, as publishers pack them.
fn archive(folder: &str, files: &[(&str, u64)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for &(name, length) in files {
        // Bytes that do not compress, so that the archive is long enough to break.
        let mut state = 1_u32;
        let bytes: Vec<u8> = (0..length)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let mut header = tar::Header::new_gnu();
        header.set_size(length);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("{folder}/{name}"), &bytes[..]).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn good_archive() -> Vec<u8> {
    archive("tiny", &[("data.bin", LENGTH)])
}

/// A data set that this archive is published as.
fn source(archive: &[u8]) -> Source {
    let sum = Md5::digest(archive);
    Source {
        name: "tiny",
        publisher: "http://127.0.0.1:1/never",
        archive: "tiny.tar.gz",
        md5: sum.iter().map(|byte| format!("{byte:02x}")).collect(),
        folder: "tiny",
        files: vec![("data.bin", LENGTH)],
    }
}

const PATIENCE: Patience = Patience { attempts: 3, pause: Duration::from_millis(5) };

/// A root folder, the server's address and the outcome of one fetch after another.
struct Scene {
    root: TempDir,
    server: Server,
    source: Source,
    stages: Vec<Stage>,
}

impl Scene {
    fn new(archive: Vec<u8>, manner: Manner) -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            source: source(&archive),
            server: Server::start(archive, manner),
            stages: Vec::new(),
        }
    }

    fn fetch(&mut self) -> Result<Fetched, String> {
        let stages = &mut self.stages;
        let (root, url) = (self.root.path(), Some(self.server.url.as_str()));
        fetch(&self.source, root, url, PATIENCE, |stage| stages.push(stage)).map_err(|error| format!("{error:#}"))
    }

    fn part(&self) -> PathBuf {
        self.root.path().join("tiny.tar.gz.part")
    }

    /// Nothing but the whole data set is left.
    fn assert_whole(&self, outcome: Result<Fetched, String>) {
        let folder = self.root.path().join("tiny");
        assert!(matches!(&outcome, Ok(Fetched::New { folder: f, .. }) if *f == folder), "{outcome:?}");
        assert_eq!(fs::metadata(folder.join("data.bin")).unwrap().len(), LENGTH);
        assert_eq!(names(self.root.path()), ["tiny"]);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_good_transfer_ends_in_a_data_set() {
    let mut scene = Scene::new(good_archive(), Manner::Good);
    let outcome = scene.fetch();
    scene.assert_whole(outcome);
    assert!(matches!(scene.stages[0], Stage::Downloading { here: 0, total: Some(_) }));
    assert_eq!(scene.stages[scene.stages.len() - 2..], [Stage::Checking, Stage::Unpacking]);
    // A second fetch asks nothing of the server.
    assert!(matches!(scene.fetch(), Ok(Fetched::Present(_))));
    assert_eq!(scene.server.requests().len(), 1);
}

#[test]
fn a_broken_transfer_goes_on_by_itself() {
    let mut scene = Scene::new(good_archive(), Manner::BreaksOnce(10_000));
    let outcome = scene.fetch();
    scene.assert_whole(outcome);
    assert_eq!(scene.server.requests(), [None, Some(10_000)]);
    assert!(scene.stages.contains(&Stage::Reconnecting));
}

#[test]
fn an_earlier_part_is_gone_on_with() {
    let archive = good_archive();
    let mut scene = Scene::new(archive.clone(), Manner::Good);
    fs::write(scene.part(), &archive[..12_345]).unwrap();
    let outcome = scene.fetch();
    scene.assert_whole(outcome);
    assert_eq!(scene.server.requests(), [Some(12_345)]);
}

#[test]
fn a_whole_part_is_only_unpacked() {
    let archive = good_archive();
    let mut scene = Scene::new(archive.clone(), Manner::Good);
    fs::write(scene.part(), &archive).unwrap();
    let outcome = scene.fetch();
    scene.assert_whole(outcome);
}

#[test]
fn a_part_longer_than_the_file_starts_afresh() {
    let archive = good_archive();
    let mut scene = Scene::new(archive.clone(), Manner::Good);
    fs::write(scene.part(), [&archive[..], b"more"].concat()).unwrap();
    let outcome = scene.fetch();
    scene.assert_whole(outcome);
    assert_eq!(scene.server.requests(), [Some(archive.len() + 4), None]);
}

#[test]
fn a_server_without_ranges_sends_everything_again() {
    let archive = good_archive();
    let mut scene = Scene::new(archive.clone(), Manner::NoRanges);
    fs::write(scene.part(), &archive[..5_000]).unwrap();
    let outcome = scene.fetch();
    scene.assert_whole(outcome);
}

#[test]
fn a_server_that_always_breaks_is_given_up_and_the_part_kept() {
    let mut scene = Scene::new(good_archive(), Manner::AlwaysBreaks(7_000));
    let error = scene.fetch().unwrap_err();
    assert!(error.contains("the same command goes on with it"), "{error}");
    assert_eq!(fs::metadata(scene.part()).unwrap().len(), 7_000);
    // One that brought something, three that did not.
    assert_eq!(scene.server.requests().len(), 4);
}

#[test]
fn a_busy_server_is_asked_again() {
    let mut scene = Scene::new(good_archive(), Manner::BusyOnce);
    let outcome = scene.fetch();
    scene.assert_whole(outcome);
}

#[test]
fn another_archive_is_deleted() {
    let mut scene = Scene::new(good_archive(), Manner::Good);
    scene.source.md5 = "0".repeat(32);
    let error = scene.fetch().unwrap_err();
    assert!(error.contains("is not the published archive"), "{error}");
    assert!(error.contains("deleted"), "{error}");
    assert!(names(scene.root.path()).is_empty());
}

#[test]
fn a_missing_file_is_told_at_once() {
    let mut scene = Scene::new(good_archive(), Manner::Status(404));
    let error = scene.fetch().unwrap_err();
    assert!(error.contains("404") && error.contains("tiny.tar.gz"), "{error}");
    assert_eq!(scene.server.requests().len(), 1);
    assert!(!scene.root.path().join("tiny").exists());
}

#[test]
fn a_corrupt_archive_leaves_nothing_behind() {
    let cut = good_archive();
    let cut = cut[..cut.len() / 2].to_vec();
    let other = archive("other", &[("data.bin", LENGTH)]);
    let short = archive("tiny", &[("data.bin", LENGTH - 1)]);
    for (body, word) in [
        (cut, "cannot unpack"),
        (b"no gzip at all".to_vec(), "cannot unpack"),
        (other, "data.bin is missing"),
        (short, "59999 bytes, not 60000"),
    ] {
        let mut scene = Scene::new(body, Manner::Good);
        let error = scene.fetch().unwrap_err();
        assert!(error.contains(word), "{error}");
        assert_eq!(names(scene.root.path()), ["tiny.tar.gz.part"]);
    }
}

#[test]
fn a_damaged_data_set_is_replaced() {
    let mut scene = Scene::new(good_archive(), Manner::Good);
    let folder = scene.root.path().join("tiny");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("data.bin"), "short").unwrap();
    let outcome = scene.fetch();
    scene.assert_whole(outcome);
}

#[test]
fn a_closed_port_is_told_at_once() {
    let root = tempfile::tempdir().unwrap();
    // A port that was free a moment ago.
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let url = format!("http://127.0.0.1:{port}");
    let source = source(&good_archive());
    let error = fetch(&source, root.path(), Some(&url), PATIENCE, |_| {}).unwrap_err();
    let error = format!("{error:#}");
    assert!(error.contains("cannot download http://127.0.0.1"), "{error}");
}

#[test]
fn a_root_that_cannot_be_made_is_named() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    let source = source(&good_archive());
    let error = fetch(&source, &file.join("root"), None, PATIENCE, |_| {}).unwrap_err();
    assert!(error.to_string().contains("cannot create"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let mut scene = Scene::new(good_archive(), Manner::Good);
    std::os::unix::fs::symlink("/dev/full", scene.part()).unwrap();
    let error = scene.fetch().unwrap_err();
    assert!(error.contains("tiny.tar.gz.part"), "{error}");
    assert_eq!(scene.server.requests().len(), 1);
}

fn girih(root: &Path, mirror: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_girih"))
        .args(["data", "fetch"])
        .args(arguments)
        .arg("--data-root")
        .arg(root)
        .env("GIRIH_MIRROR", mirror)
        .output()
        .unwrap()
}

#[test]
fn the_command_exits_with_1_and_one_line() {
    let scene = Scene::new(good_archive(), Manner::Good);
    let output = girih(scene.root.path(), &scene.server.url, &["cifar10", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("MD5 sum"), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(names(scene.root.path()).is_empty());
}

#[test]
fn an_unknown_data_set_is_a_usage_error() {
    let root = tempfile::tempdir().unwrap();
    let output = girih(root.path(), "http://127.0.0.1:1", &["cifar11"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty());
}
