//! An SQLite VFS over [`Disk`]s: thin glue between SQLite's C interface and safe code. Registered once by name; the first part of a path names
//! the disk (`/7/till.db` is the file `till.db` of disk 7).
//!
//! The only unsafe code of the tests. Why it is sound: SQLite gives every call a `sqlite3_file` that `open` filled (it calls no method of a file
//! whose `pMethods` is null), of `szOsFile` bytes; `handle` in it is a leaked box that `close` takes back, and SQLite uses one file from one
//! thread at a time. Names are NUL-terminated, buffers have the given length. Nothing here unwinds into C: what could panic is caught by the
//! compiler's abort at an `extern "C"` frame. Regions of shared memory are boxed, never moved and live as long as their disk's entry, which is
//! removed only when no file of it is open.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::{Arc, Once};

use rusqlite::ffi;

use crate::disk::{Disk, Handle, Shared, disk_of};

/// Its name, for `StoreOptions::vfs`.
pub const NAME: &str = "tilld-crash";

#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    handle: *mut Handle,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Registers it; once is enough.
pub fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let name = c"tilld-crash";
        let vfs = ffi::sqlite3_vfs {
            iVersion: 2,
            szOsFile: c_int::try_from(size_of::<File>()).unwrap(),
            mxPathname: 256,
            pNext: std::ptr::null_mut(),
            zName: name.as_ptr(),
            pAppData: std::ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: None,
            xGetLastError: Some(last_error),
            xCurrentTimeInt64: Some(current_time),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        };
        // SQLite keeps the pointer for ever: leaked on purpose.
        let code = unsafe { ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 0) };
        assert_eq!((code, name.to_str()), (ffi::SQLITE_OK, Ok(NAME)));
    });
}

fn named(name: *const c_char) -> Option<(Arc<Disk>, String)> {
    let path = unsafe { CStr::from_ptr(name) }.to_str().ok()?;
    disk_of(path)
}

fn handle<'a>(file: *mut ffi::sqlite3_file) -> &'a mut Handle {
    unsafe { &mut *(*file.cast::<File>()).handle }
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let file = file.cast::<File>();
    unsafe { (*file).base.pMethods = std::ptr::null() };
    if name.is_null() {
        // A temporary file: the store is told to keep those in memory.
        return ffi::SQLITE_CANTOPEN;
    }
    let Some((disk, name)) = named(name) else { return ffi::SQLITE_CANTOPEN };
    match disk.open(&name, flags & ffi::SQLITE_OPEN_CREATE != 0) {
        Ok(opened) => unsafe {
            (*file).handle = Box::into_raw(Box::new(opened));
            (*file).base.pMethods = &raw const METHODS;
            if !out.is_null() {
                *out = flags;
            }
            ffi::SQLITE_OK
        },
        Err(code) => code,
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let file = file.cast::<File>();
    unsafe {
        drop(Box::from_raw((*file).handle));
        (*file).handle = std::ptr::null_mut();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync_dir: c_int) -> c_int {
    named(name).map_or(ffi::SQLITE_IOERR_DELETE, |(disk, name)| disk.delete(&name, sync_dir != 0))
}

unsafe extern "C" fn access(_: *mut ffi::sqlite3_vfs, name: *const c_char, _: c_int, out: *mut c_int) -> c_int {
    let there = named(name).is_some_and(|(disk, name)| disk.exists(&name));
    unsafe { *out = c_int::from(there) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(_: *mut ffi::sqlite3_vfs, name: *const c_char, n: c_int, out: *mut c_char) -> c_int {
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes_with_nul();
    if bytes.len() > usize::try_from(n).unwrap_or(0) {
        return ffi::SQLITE_CANTOPEN;
    }
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_: *mut ffi::sqlite3_vfs, n: c_int, out: *mut c_char) -> c_int {
    // The same in every run: salts and so on. What is secret comes from the vault.
    unsafe { std::ptr::write_bytes(out, 0x5A, usize::try_from(n).unwrap_or(0)) };
    n
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, micros: c_int) -> c_int {
    std::thread::sleep(std::time::Duration::from_micros(u64::try_from(micros).unwrap_or(0)));
    micros
}

unsafe extern "C" fn last_error(_: *mut ffi::sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    0
}

unsafe extern "C" fn current_time(_: *mut ffi::sqlite3_vfs, out: *mut ffi::sqlite3_int64) -> c_int {
    unsafe { *out = 212_639_947_200_000 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, to: *mut c_void, n: c_int, at: ffi::sqlite3_int64) -> c_int {
    let to = unsafe { std::slice::from_raw_parts_mut(to.cast::<u8>(), usize::try_from(n).unwrap_or(0)) };
    handle(file).read(to, usize::try_from(at).unwrap_or(usize::MAX))
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    n: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    let from = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(n).unwrap_or(0)) };
    handle(file).write(from, usize::try_from(at).unwrap_or(usize::MAX))
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    handle(file).truncate(usize::try_from(size).unwrap_or(0))
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    handle(file).sync()
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, out: *mut ffi::sqlite3_int64) -> c_int {
    unsafe { *out = i64::try_from(handle(file).size()).unwrap_or(i64::MAX) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    handle(file).lock(level)
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    handle(file).unlock(level);
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    unsafe { *out = c_int::from(handle(file).reserved()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    512
}

unsafe extern "C" fn characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    // As SQLite's own Unix VFS claims it: a write never spoils bytes beside it.
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    let (region, size) = (usize::try_from(region).unwrap_or(0), usize::try_from(size).unwrap_or(0));
    let at = handle(file).shared(|shm: &mut Shared| {
        if shm.regions.len() <= region && extend == 0 {
            return std::ptr::null_mut();
        }
        while shm.regions.len() <= region {
            shm.regions.push(vec![0u64; size / 8].into_boxed_slice());
        }
        shm.regions[region].as_mut_ptr().cast::<c_void>()
    });
    unsafe { *out = at };
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, first: c_int, n: c_int, flags: c_int) -> c_int {
    let slots = usize::try_from(first).unwrap_or(0)..usize::try_from(first + n).unwrap_or(0);
    let exclusive = flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
    handle(file).shm_lock(slots, exclusive, flags & ffi::SQLITE_SHM_LOCK != 0)
}

unsafe extern "C" fn shm_barrier(_: *mut ffi::sqlite3_file) {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(_: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

/// What SQLite makes of the files: the whole database after recovery, page by page.
pub fn contents(path: &str) -> Result<Vec<u8>, String> {
    use rusqlite::config::DbConfig;
    use rusqlite::{Connection, OpenFlags};
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags_and_vfs(path, flags, NAME).map_err(|e| e.to_string())?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(|e| e.to_string())?;
    // Makes it read the schema and recover.
    conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(|e| e.to_string())?;
    let mut size: ffi::sqlite3_int64 = 0;
    // SQLite allocates the copy, and it is given back below; a null with size 0 is an empty database.
    let bytes = unsafe { ffi::sqlite3_serialize(conn.handle(), c"main".as_ptr(), &raw mut size, 0) };
    if bytes.is_null() {
        return if size <= 0 { Ok(Vec::new()) } else { Err("the pages cannot be read".into()) };
    }
    let copy = unsafe { std::slice::from_raw_parts(bytes, usize::try_from(size).unwrap_or(0)) }.to_vec();
    unsafe { ffi::sqlite3_free(bytes.cast()) };
    Ok(copy)
}
