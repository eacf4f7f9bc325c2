//! A small HTTP server that serves one file, well or badly.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// How the server treats its requests.
#[derive(Clone, Copy, Debug)]
pub enum Manner {
    /// It sends what is asked for, ranges included.
    Good,
    /// It knows no ranges and sends everything each time.
    NoRanges,
    /// The first answer breaks off after so many bytes; later ones are good.
    BreaksOnce(usize),
    /// It knows no ranges, and every answer breaks off after so many bytes.
    AlwaysBreaks(usize),
    /// It answers with this status and no file.
    Status(u16),
    /// The first answer is 503, later ones are good.
    BusyOnce,
}

/// A server on a port of its own; it ends with the test's process.
pub struct Server {
    /// The address to download from.
    pub url: String,
    log: Arc<Mutex<Vec<Option<usize>>>>,
}

impl Server {
    /// Starts a server of `body`.
    pub fn start(body: Vec<u8>, manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&log);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let start = range_start(&stream);
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(start);
                    seen.len()
                };
                // The client may hang up first; that is its right.
                let _ = answer(&stream, &body, manner, start, number == 1);
            }
        });
        Self { url, log }
    }

    /// The range starts of the requests so far; `None` for a request of the whole file.
    pub fn requests(&self) -> Vec<Option<usize>> {
        self.log.lock().unwrap().clone()
    }
}

/// Reads a request's head and finds the start of the range it asks for.
fn range_start(stream: &TcpStream) -> Option<usize> {
    let mut start = None;
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
        let line = line.to_ascii_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            start = range.trim_end_matches('-').parse().ok();
        }
    }
    start
}

fn answer(
    mut stream: &TcpStream,
    body: &[u8],
    manner: Manner,
    start: Option<usize>,
    first: bool,
) -> std::io::Result<()> {
    let plain = |mut stream: &TcpStream, status: &str, extra: &str| {
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n{extra}\r\n")
    };
    let (ranges, sent) = match manner {
        Manner::Status(status) => return plain(stream, &format!("{status} Sorry"), ""),
        Manner::BusyOnce if first => return plain(stream, "503 Busy", ""),
        Manner::Good | Manner::BusyOnce => (true, usize::MAX),
        Manner::NoRanges => (false, usize::MAX),
        Manner::BreaksOnce(bytes) => (true, if first { bytes } else { usize::MAX }),
        Manner::AlwaysBreaks(bytes) => (false, bytes),
    };
    let total = body.len();
    let start = start.filter(|_| ranges);
    if start.is_some_and(|start| start >= total) {
        return plain(stream, "416 Range Not Satisfiable", &format!("Content-Range: bytes */{total}\r\n"));
    }
    let rest = &body[start.unwrap_or(0)..];
    let head = match start {
        Some(start) => format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{total}", total - 1),
        None => "200 OK".to_owned(),
    };
    write!(stream, "HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len())?;
    stream.write_all(&rest[..sent.min(rest.len())])
}
