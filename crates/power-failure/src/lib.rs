//! An SQLite VFS that records which writes were synced, so that a test can see what a power failure would leave.
//!
//! It wraps the system's VFS: files are written as usual. In memory it keeps the durable content of each database file
//! and of its WAL, and the changes since the last sync. [`fail`] writes the durable content to another folder, with any
//! part of the unsynced changes, in sectors. It assumes that a synced file keeps its name and that a sync is honest.

mod vfs;

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

pub use vfs::install;

/// A disk writes a sector as a whole or not at all.
const SECTOR: usize = 512;

/// The files of all databases that were opened after [`install`].
static DISK: LazyLock<Mutex<HashMap<PathBuf, DiskFile>>> = LazyLock::new(Mutex::default);

#[derive(Debug, Default)]
struct DiskFile {
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => write(content, *offset, bytes),
            Self::Truncate(length) => content.truncate(*length),
        }
    }
}

impl DiskFile {
    fn sync(&mut self) {
        for change in self.unsynced.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// The content after a power failure. `survives` decides for each unsynced sector or truncation.
    fn after_failure(&self, survives: &mut impl FnMut() -> bool) -> Vec<u8> {
        let mut content = self.durable.clone();
        for change in &self.unsynced {
            match change {
                Change::Write { offset, bytes } => {
                    for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                        if survives() {
                            write(&mut content, offset + number * SECTOR, sector);
                        }
                    }
                }
                Change::Truncate(_) => {
                    if survives() {
                        change.apply(&mut content);
                    }
                }
            }
        }
        content
    }
}

fn write(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}

/// Writes what a power failure at this moment leaves of a database to the folder `into`: all synced writes, and of the
/// others those sectors for which `survives` returns true. Returns the path of the database there. The database stays
/// open and is not changed.
///
/// # Errors
/// When the database was not opened after [`install`], or a file cannot be written.
pub fn fail(database: &Path, into: &Path, mut survives: impl FnMut() -> bool) -> io::Result<PathBuf> {
    let database = database.canonicalize()?;
    let name = database.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let disk = disk();
    if !disk.contains_key(&database) {
        return Err(io::Error::other("the database was opened without this VFS"));
    }
    for suffix in ["", "-wal", "-journal"] {
        if let Some(file) = disk.get(&with_suffix(&database, suffix)) {
            let target = with_suffix(&into.join(name), suffix);
            std::fs::write(target, file.after_failure(&mut survives))?;
        }
    }
    Ok(into.join(name))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

fn disk() -> MutexGuard<'static, HashMap<PathBuf, DiskFile>> {
    DISK.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsynced_sectors_survive_one_by_one() {
        let mut file = DiskFile::default();
        let write = |offset, byte, length| Change::Write {
            offset,
            bytes: vec![byte; length],
        };
        file.unsynced.push(write(0, 1, 600));
        file.sync();
        file.unsynced.push(write(0, 2, 600));
        file.unsynced.push(Change::Truncate(10));
        let mut nothing = || false;
        assert_eq!(file.after_failure(&mut nothing), vec![1; 600]);
        let mut all = || true;
        assert_eq!(file.after_failure(&mut all), vec![2; 10]);
        let mut number = 0;
        let mut second = || {
            number += 1;
            number == 2
        };
        assert_eq!(
            file.after_failure(&mut second),
            [vec![1; 512], vec![2; 88]].concat()
        );
    }
}
