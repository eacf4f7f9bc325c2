//! An HTTP transfer into a file that goes on where an earlier one stopped.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail};
use md5::{Digest, Md5};
use ureq::Agent;
use ureq::http::{Response, StatusCode, header};
use ureq::tls::{RootCerts, TlsConfig};

use super::{Patience, Stage};

/// Why one attempt ended without the whole file.
enum Setback {
    /// Another attempt may do better: the connection broke, or the server is overloaded.
    Broken(Error),
    /// It will not.
    Final(Error),
}

/// Downloads `url` to `file`, going on with what is there, and returns its length in bytes.
pub fn to_file(url: &str, file: &Path, patience: Patience, report: &mut dyn FnMut(Stage)) -> Result<u64> {
    let mut part = open(file)?;
    let agent = agent();
    let mut best = length(&part, file)?;
    let mut connected = false;
    let mut idle_attempts = 0;
    let mut pause = patience.pause;
    loop {
        let error = match attempt(&agent, url, &mut part, file, &mut connected, report) {
            Ok(bytes) => return Ok(bytes),
            Err(Setback::Final(error)) => return Err(error),
            // A name that does not resolve or a closed port is told at once.
            Err(Setback::Broken(error)) if !connected => return Err(error),
            Err(Setback::Broken(error)) => error,
        };
        let here = length(&part, file)?;
        if here > best {
            best = here;
            idle_attempts = 0;
            pause = patience.pause;
        } else {
            idle_attempts += 1;
        }
        if idle_attempts >= patience.attempts {
            return Err(error.context(format!("the download of {url} broke off; the same command goes on with it")));
        }
        report(Stage::Reconnecting);
        thread::sleep(pause);
        pause *= 2;
    }
}

/// The MD5 sum of a file, in hexadecimal.
pub fn md5(path: &Path) -> Result<String> {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(path)?;
        let mut hash = Md5::new();
        let mut buffer = vec![0; 1 << 18];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                let sum = hash.finalize();
                return Ok(sum.iter().map(|byte| format!("{byte:02x}")).collect());
            }
            hash.update(&buffer[..count]);
        }
    };
    read().with_context(|| format!("cannot read {}", path.display()))
}

fn agent() -> Agent {
    Agent::config_builder()
        // Statuses are answers here: 206, 416 and 5xx each mean something.
        .http_status_as_error(false)
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        // A stalled body ends here; what came is kept, and the next attempt goes on.
        .timeout_recv_body(Some(Duration::from_secs(300)))
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .user_agent(concat!("girih/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// Opens the part file and locks it, so that two downloads do not write into each other.
fn open(path: &Path) -> Result<File> {
    let file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            bail!("another girih is downloading to {}", path.display())
        }
        // A file system without locks is no reason to refuse.
        Err(TryLockError::Error(_)) | Ok(()) => Ok(file),
    }
}

fn length(file: &File, path: &Path) -> Result<u64> {
    file.metadata().map(|metadata| metadata.len()).with_context(|| format!("cannot read {}", path.display()))
}

/// One request and its body, written to the end of `part`.
fn attempt(
    agent: &Agent,
    url: &str,
    part: &mut File,
    path: &Path,
    connected: &mut bool,
    report: &mut dyn FnMut(Stage),
) -> Result<u64, Setback> {
    let on_file = |e: std::io::Error| Setback::Final(Error::new(e).context(format!("cannot write {}", path.display())));
    let mut here = length(part, path).map_err(Setback::Final)?;
    let mut request = agent.get(url);
    if here > 0 {
        request = request.header(header::RANGE, format!("bytes={here}-"));
    }
    let mut response =
        request.call().map_err(|e| Setback::Broken(Error::new(e).context(format!("cannot download {url}"))))?;
    let status = response.status();
    let total = match status {
        StatusCode::OK => {
            // The whole file, asked for or not: some servers know no ranges.
            part.set_len(0).map_err(on_file)?;
            here = 0;
            content_length(&response)
        }
        StatusCode::PARTIAL_CONTENT => {
            let range = content_range(&response);
            if range.is_none_or(|(start, _)| start != Some(here)) {
                part.set_len(0).map_err(on_file)?;
                return Err(Setback::Broken(anyhow!("the server sent another range")));
            }
            range.and_then(|(_, total)| total)
        }
        StatusCode::RANGE_NOT_SATISFIABLE if here > 0 => {
            if content_range(&response).is_some_and(|(_, total)| total == Some(here)) {
                return Ok(here);
            }
            // What is here is no beginning of what the server has.
            part.set_len(0).map_err(on_file)?;
            *connected = true;
            return Err(Setback::Broken(anyhow!("the server refused the range")));
        }
        status => {
            let error = anyhow!("cannot download {url}: the server answered {status}");
            *connected |= status.is_server_error();
            return Err(if status.is_server_error() { Setback::Broken(error) } else { Setback::Final(error) });
        }
    };
    *connected = true;
    report(Stage::Downloading { here, total });

    part.seek(SeekFrom::Start(here)).map_err(on_file)?;
    let mut body = response.body_mut().as_reader();
    let mut buffer = vec![0; 1 << 17];
    loop {
        let count = body.read(&mut buffer).map_err(|e| Setback::Broken(e.into()))?;
        if count == 0 {
            break;
        }
        part.write_all(&buffer[..count]).map_err(on_file)?;
        here += count as u64;
        report(Stage::Downloading { here, total });
    }
    match total {
        Some(total) if here < total => {
            Err(Setback::Broken(anyhow!("the server closed the connection after {here} of {total} bytes")))
        }
        _ => {
            part.sync_all().map_err(on_file)?;
            Ok(here)
        }
    }
}

fn content_length<T>(response: &Response<T>) -> Option<u64> {
    let value = response.headers().get(header::CONTENT_LENGTH)?;
    value.to_str().ok()?.trim().parse().ok()
}

/// `bytes 7-99/100` as start and total; `bytes */100` has no start.
fn content_range<T>(response: &Response<T>) -> Option<(Option<u64>, Option<u64>)> {
    let value = response.headers().get(header::CONTENT_RANGE)?;
    let (range, total) = value.to_str().ok()?.strip_prefix("bytes ")?.split_once('/')?;
    let start = range.split_once('-').and_then(|(start, _)| start.parse().ok());
    Some((start, total.parse().ok()))
}
