//! Files that a command writes at its end, looked at before it begins: hours of measuring must not end in a typing error.

use std::path::Path;

use anyhow::{Result, bail};

/// Whether a file can probably be written there.
///
/// # Errors
/// Its folder does not exist, or it is itself a folder.
pub fn check(path: &Path) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder
        && !folder.is_dir()
    {
        bail!("cannot write {}: there is no folder {}", path.display(), folder.display());
    }
    if path.is_dir() {
        bail!("cannot write {}: it is a folder", path.display());
    }
    Ok(())
}
