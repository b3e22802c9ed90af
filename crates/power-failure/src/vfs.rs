//! The VFS: a copy of the system's, whose files report writes, truncations and syncs. All other functions are the
//! system's.

use std::collections::HashMap;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, MutexGuard, Once, OnceLock, PoisonError};

use libsqlite3_sys::{
    SQLITE_OK, SQLITE_OPEN_MAIN_DB, SQLITE_OPEN_MAIN_JOURNAL, SQLITE_OPEN_WAL, sqlite3_file,
    sqlite3_filename, sqlite3_initialize, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find,
    sqlite3_vfs_register,
};

use crate::{Change, DiskFile, disk};

/// The kinds of files that a database consists of.
const RECORDED: c_int = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;

static SYSTEM: OnceLock<SystemVfs> = OnceLock::new();
/// The open files by the address of SQLite's handle.
static OPEN: LazyLock<Mutex<HashMap<usize, OpenFile>>> = LazyLock::new(Mutex::default);

struct SystemVfs(*mut sqlite3_vfs);

// SAFETY: SQLite's VFS objects are used from all threads. This one is never changed or freed.
unsafe impl Send for SystemVfs {}
// SAFETY: as above.
unsafe impl Sync for SystemVfs {}

#[derive(Clone)]
struct OpenFile {
    path: PathBuf,
    /// The system's functions of this file.
    system: &'static sqlite3_io_methods,
}

/// Makes this VFS the default of the process. Call it before the first connection is opened. A second call does
/// nothing.
///
/// # Panics
/// When SQLite has no VFS for this system.
pub fn install() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // SAFETY: the functions are called as documented. The copy is leaked, so it is valid for the whole process; its
        // functions accept it in place of the original, of which they read only the copied fields.
        let registered = unsafe {
            sqlite3_initialize();
            let system = sqlite3_vfs_find(std::ptr::null());
            assert!(!system.is_null(), "SQLite has no VFS for this system");
            SYSTEM.get_or_init(|| SystemVfs(system));
            let mut copy = std::ptr::read(system);
            copy.zName = c"power-failure".as_ptr();
            copy.pNext = std::ptr::null_mut();
            copy.xOpen = Some(open);
            copy.xDelete = Some(delete);
            sqlite3_vfs_register(Box::leak(Box::new(copy)), 1)
        };
        assert_eq!(registered, SQLITE_OK, "SQLite refused the VFS");
    });
}

fn system() -> *mut sqlite3_vfs {
    SYSTEM
        .get()
        .expect("`install` sets it before SQLite can call this VFS")
        .0
}

fn open_files() -> MutexGuard<'static, HashMap<usize, OpenFile>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// # Safety
/// `name` is a C string.
unsafe fn path(name: *const c_char) -> PathBuf {
    // SAFETY: the caller passes a C string.
    let name = unsafe { CStr::from_ptr(name) };
    PathBuf::from(OsStr::from_bytes(name.to_bytes()))
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let system = system();
    // SAFETY: SQLite's arguments are passed on. `file` is large enough: `szOsFile` is the system's.
    let opened = unsafe {
        (*system)
            .xOpen
            .map(|open| open(system, name, file, flags, out_flags))
    };
    let opened = opened.expect("every VFS opens files");
    if opened != SQLITE_OK || flags & RECORDED == 0 || name.is_null() {
        return opened;
    }
    // SAFETY: the file was opened, so its methods are set, and they are constants of the system's VFS. SQLite calls
    // methods through this pointer only, so the copy, which is leaked, can replace them.
    let (path, system) = unsafe {
        let system: &'static sqlite3_io_methods = &*(*file).pMethods;
        let mut methods = std::ptr::read(system);
        methods.xClose = Some(close);
        methods.xWrite = Some(write);
        methods.xTruncate = Some(truncate);
        methods.xSync = Some(sync);
        (*file).pMethods = Box::leak(Box::new(methods));
        (path(name), system)
    };
    disk().entry(path.clone()).or_insert_with(|| DiskFile {
        // What the file had before the test is on the disk.
        durable: std::fs::read(&path).unwrap_or_default(),
        unsynced: Vec::new(),
    });
    open_files().insert(file.addr(), OpenFile { path, system });
    SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    let system = system();
    // SAFETY: SQLite's arguments are passed on, and `name` is a C string.
    let (deleted, path) = unsafe {
        let delete = (*system).xDelete.expect("every VFS deletes files");
        (delete(system, name, sync_folder), path(name))
    };
    if deleted == SQLITE_OK {
        disk().remove(&path);
    }
    deleted
}

/// Calls the system's function, and records `change` if it succeeded.
fn record(
    file: *mut sqlite3_file,
    call: impl FnOnce(&sqlite3_io_methods) -> c_int,
    change: impl FnOnce(&mut DiskFile),
) -> c_int {
    let open = open_files()
        .get(&file.addr())
        .cloned()
        .expect("SQLite calls the functions of open files only");
    let result = call(open.system);
    if result == SQLITE_OK {
        disk().entry(open.path).and_modify(change);
    }
    result
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let close = |system: &sqlite3_io_methods| {
        // SAFETY: SQLite's argument is passed on.
        unsafe { system.xClose.expect("every file closes")(file) }
    };
    let closed = record(file, close, |_| {});
    open_files().remove(&file.addr());
    closed
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: sqlite3_int64,
) -> c_int {
    let write = |system: &sqlite3_io_methods| {
        // SAFETY: SQLite's arguments are passed on.
        unsafe { system.xWrite.expect("every file is written")(file, bytes, length, offset) }
    };
    record(file, write, |disk| {
        // SAFETY: SQLite passes `length` bytes.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), size(length.into())) };
        disk.unsynced.push(Change::Write {
            offset: size(offset),
            bytes: bytes.to_vec(),
        });
    })
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: sqlite3_int64) -> c_int {
    let truncate = |system: &sqlite3_io_methods| {
        // SAFETY: SQLite's arguments are passed on.
        unsafe { system.xTruncate.expect("every file is truncated")(file, length) }
    };
    record(file, truncate, |disk| {
        disk.unsynced.push(Change::Truncate(size(length)))
    })
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    let sync = |system: &sqlite3_io_methods| {
        // SAFETY: SQLite's arguments are passed on.
        unsafe { system.xSync.expect("every file is synced")(file, flags) }
    };
    record(file, sync, DiskFile::sync)
}

fn size(number: sqlite3_int64) -> usize {
    usize::try_from(number).expect("SQLite passes sizes that fit into memory")
}
