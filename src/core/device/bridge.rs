//! What a bridge's refusals mean to people.

use tilld_bridge::wire::{Device, Refusal, WorkKey};

use crate::core::domain::Sentence;

/// A refusal as a sentence, with what to do.
#[must_use]
pub fn sentence(refusal: &Refusal) -> Sentence {
    let (zh, en) = match refusal {
        Refusal::NotUnderstood => ("设备固件版本过旧，请升级", "its firmware is too old: update it"),
        Refusal::NotHere => ("设备没有此功能", "it has no such device"),
        Refusal::Busy => ("设备忙，请稍候再试", "it is busy: try again"),
        Refusal::OutOfRange => ("参数超出范围", "a value is outside its limits"),
        Refusal::TooSoon { wait_ms } => return waits(*wait_ms, "线圈冷却中", "a coil cools down"),
        Refusal::Fault(device) => return fault(*device),
        Refusal::MarkBehind { stored } => {
            return Sentence::new(format!("设备内的标记更高（{stored}）"), format!("its mark is higher ({stored})"));
        }
        Refusal::Storage => ("设备存储故障，请更换", "its storage failed: replace it"),
        Refusal::NoMaster => {
            ("密码键盘无主密钥，请执行 tilld bridge load-key", "it has no master key: run `tilld bridge load-key`")
        }
        Refusal::NoWork => ("没有工作密钥，请先签到", "it has no work keys: sign on first"),
        Refusal::Length(n) => {
            return Sentence::new(format!("密钥长度 {n} 不对"), format!("a key of {n} bytes has no known form"));
        }
        Refusal::CheckValue(key) => return check_value(*key),
        Refusal::Locked { wait_ms } => return waits(*wait_ms, "尝试过多，已锁定", "locked after too many tries"),
        Refusal::WrongCode { left } => {
            return Sentence::new(
                format!("注入口令不对，还可试 {left} 次"),
                format!("not the injection code; {left} tries left before it wipes its keys"),
            );
        }
        Refusal::Wiped => {
            ("口令错误过多，密钥已全部清除，请重新注入", "too many wrong codes: its keys are wiped, inject them anew")
        }
        Refusal::Data => ("数据无法加密", "the data cannot be enciphered"),
        Refusal::Cancelled => ("顾客已取消", "the customer cancelled"),
        Refusal::TimedOut => ("无人输入", "nobody typed"),
    };
    Sentence::new(zh, en)
}

fn waits(wait_ms: u32, zh: &str, en: &str) -> Sentence {
    let seconds = wait_ms.div_ceil(1_000);
    Sentence::new(format!("{zh}，请 {seconds} 秒后再试"), format!("{en}: try again in {seconds} s"))
}

fn fault(device: Device) -> Sentence {
    let (zh, en) = match device {
        Device::Drawer => ("钱箱", "drawer"),
        Device::Buzzer => ("蜂鸣器", "buzzer"),
        Device::Leds => ("指示灯", "lamps"),
        Device::Display => ("顾客屏", "customer display"),
        Device::Card => ("非接读卡器", "contactless reader"),
        Device::Keypad => ("键盘", "keypad"),
        Device::Storage => ("存储", "storage"),
        Device::Swipe => ("磁条读卡器", "stripe reader"),
    };
    Sentence::new(format!("{zh}故障，请检查连线"), format!("the {en} does not do what it is told: check its cable"))
}

fn check_value(key: WorkKey) -> Sentence {
    let (zh, en) = match key {
        WorkKey::Master => ("主密钥", "master key"),
        WorkKey::Pin => ("PIN 密钥", "PIN key"),
        WorkKey::Mac => ("MAC 密钥", "MAC key"),
        WorkKey::Track => ("磁道密钥", "track key"),
    };
    Sentence::new(
        format!("{zh}校验值不符，主密钥是否为收单机构所发？"),
        format!("the {en} does not match its check value: is the master key the acquirer's?"),
    )
}
