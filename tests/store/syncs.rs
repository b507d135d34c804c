//! How often the disk is made to sync: counted, because absolute times mean nothing.

#![allow(clippy::unwrap_used, clippy::panic)]

use tilld::core::domain::{Kind, Method};

use super::till::{Dir, Till};

/// `strace -f -c -e trace=fsync,fdatasync` on this test counts them; here stands what can be counted from inside: pages and checkpoints.
/// A checkpoint costs three syncs (log, database, the log's new header); a commit costs one.
#[test]
fn a_cash_sale_costs_one_sync_and_its_share_of_a_checkpoint_less_than_a_twentieth() {
    let dir = Dir::new();
    let mut till = Till::open(&dir);
    till.staff();
    till.pay(Kind::Sale, Method::Cash, 1, None);
    till.writer.store_mut().tidy().unwrap();
    // For counting with strace over more or fewer.
    let wanted = std::env::var("TILLD_SALES").ok().and_then(|n| n.parse().ok());
    let (sales, mut checkpoints, mut pages) = (wanted.unwrap_or(400u32), 0u32, till.writer.store().wal_pages());
    for n in 0..sales {
        till.pay(Kind::Sale, Method::Cash, i64::from(n) + 1, None);
        till.writer.store_mut().tidy().unwrap();
        let now = till.writer.store().wal_pages();
        checkpoints += u32::from(now < pages);
        pages = now;
    }
    assert!(checkpoints * 3 * 20 <= sales, "{checkpoints} checkpoints in {sales} sales");
}
