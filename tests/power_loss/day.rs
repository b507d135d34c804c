//! The business day whose power is cut, and what is known of it: which rows were acknowledged at which moment.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tilld::core::domain::{BusinessDate, Seq, WallMs};
use tilld::core::journal::Link;
use tilld::core::ledger::{Ledger, Rules};
use tilld::core::ports::Committed;
use tilld::io::store::{Durability, StoreOptions};
use tilld::io::vault::DataKey;

use crate::disk::{Disk, Image, Op};
use crate::shop::{MORNING, OnCommit, Shop, rules};
use crate::vfs;
use crate::words::Told;

/// Sales of all kinds, voids, refunds, lost answers, an outage, shifts, two cuts, two settlements; the store is stopped and started in between. After each
/// part the writer is idle for a moment, and tidies.
pub const PARTS: &[&str] = &[
    "
    1001 opens shift POS1 200.00            => shift 1
    1001 POS1 sells a card 12.00            => approved
    1002 POS2 sells b card 30.00 foreign    => approved
    1001 POS1 sells c cash 5.00             => approved
    1002 POS2 sells d qr 8.80               => approved
    ",
    "
    1001 POS1 sells e card 99.00            => approved
    1001 POS1 voids e as ve                 => approved
    1002 POS2 refunds b as rb 10.00         => approved
    1001 POS1 refunds c as rc 2.00          => approved
    POS1 next code-51
    1001 POS1 sells f card 77.00            => declined
    ",
    "
    POS1 next lose-answer
    1001 POS1 sells g card 13.00            => unknown
    wait 2s
    g state                                 => reversed
    POS2 next lose-request
    1002 POS2 sells h card 14.00            => unknown
    wait 2s
    h state                                 => reversed
    ",
    "
    all go down
    1001 POS1 sells i card 21.00            => stored
    1002 POS2 sells j card 22.00            => stored
    1002 POS2 sells k card 23.00            => stored
    1002 POS2 voids k as vk                 => approved
    1001 POS1 sells l cash 4.00             => approved
    1002 POS3 sells m card 24.00            => stored
    ",
    "
    1001 POS1 counts 207.00                 => done
    1001 closes shift                       => shift 1
    POS3 next lose-answer
    M1 cuts                                 => 2026-03-07 Z1
    1001 POS1 sells n cash 6.00             => approved
    all come up
    wait 90s
    i state                                 => forwarded
    ",
    "
    wait 120s
    settled 2026-03-07 => POS1 000001 balanced, POS2 000001 balanced, POS3 000001 balanced
    1001 POS1 sells o card 31.00            => approved
    1001 POS1 refunds a as ra 2.00 stripe   => approved
    ",
    "
    crash
    start
    1002 POS2 sells p card 32.00            => approved
    1002 POS2 voids p as vp                 => approved
    POS1 next lose-answer
    M1 cuts                                 => 2026-03-08 Z2
    wait 180s
    settled 2026-03-08 => POS1 000002 balanced, POS2 000002 balanced
    1001 POS1 sells q cash 1.00             => approved
    ",
];

/// A commit that was acknowledged.
#[derive(Debug, Clone)]
pub struct Acknowledged {
    /// How long the disk's log was then.
    pub at: usize,
    pub head: Seq,
    pub link: Link,
    /// The ledger after it, as bytes.
    pub ledger: Arc<[u8]>,
}

#[derive(Debug, Clone)]
pub struct History {
    /// What lay on the disk before.
    pub start: Image,
    pub log: Vec<Op>,
    pub commits: Vec<Acknowledged>,
    pub by_head: BTreeMap<Seq, usize>,
    pub data_key: DataKey,
    pub rules: Rules,
    /// The clock and the first business day of whoever opens it.
    pub wall: WallMs,
    pub first_date: BusinessDate,
}

impl History {
    /// How many commits were acknowledged when the log was so long.
    pub fn acknowledged(&self, at: usize) -> usize {
        self.commits.partition_point(|c| c.at <= at)
    }
}

pub fn options(disk: &Disk, durability: Durability) -> StoreOptions {
    vfs::register();
    StoreOptions {
        vfs: Some(vfs::NAME.into()),
        durability,
        exclusive: false,
        // Small, so that checkpoints come within the day, in idle moments and within commits.
        checkpoint_pages: 24,
        busy_ms: 0,
        ..StoreOptions::at(disk.path())
    }
}

/// A shop on a disk, and the list that its commits are written to.
pub fn shop_on(disk: &Arc<Disk>, durability: Durability, data_key: DataKey) -> (Shop, Arc<Mutex<Vec<Acknowledged>>>) {
    let commits: Arc<Mutex<Vec<Acknowledged>>> = Arc::default();
    let on_commit: OnCommit = {
        let (disk, commits) = (Arc::clone(disk), Arc::clone(&commits));
        Box::new(move |committed: &Committed, ledger: &Ledger| {
            commits.lock().unwrap().push(Acknowledged {
                at: disk.log_len(),
                head: committed.head,
                link: committed.link,
                ledger: ledger.to_bytes().into(),
            });
        })
    };
    (Shop::over(rules(), options(disk, durability), data_key, Some(on_commit)), commits)
}

pub fn tidy(shop: &mut Shop) {
    if let Some(writer) = &mut shop.writer {
        writer.store_mut().inner.tidy().unwrap();
    }
}

/// Plays the day and gives what is known of it.
pub fn record(durability: Durability) -> History {
    let disk = Disk::recording(Image::new());
    let data_key = DataKey::random().unwrap();
    let (shop, commits) = shop_on(&disk, durability, data_key.clone());
    let mut told = Told::with(shop);
    told.shop.pass(1_000);
    for part in PARTS {
        told.tell(part);
        tidy(&mut told.shop);
    }
    let log = disk.log();
    drop(told);
    disk.remove();
    let commits = commits.lock().unwrap().clone();
    let by_head = commits.iter().enumerate().map(|(n, c)| (c.head, n)).collect();
    History {
        start: Image::new(),
        log,
        commits,
        by_head,
        data_key,
        rules: rules(),
        wall: WallMs(MORNING),
        first_date: BusinessDate::parse("2026-03-07").unwrap(),
    }
}
