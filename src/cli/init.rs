//! `tilld init`: asks what a till needs to know, and writes a configuration that `tilld check` accepts.
//!
//! Every answer is judged by the configuration's own reader, as it would stand in the file: there is no second opinion of what is right.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::args::InitArgs;
use super::failure::{Failure, findings};
use super::{env_lang, out};
use crate::core::domain::Lang;
use crate::daemon::config::{Config, Finding, Level};
use crate::daemon::exit::Exit;

/// The key that the stand-in acquirer is started with, and everybody knows: for trying out alone.
const KNOWN_KEY: &str = "0123456789ABCDEFFEDCBA9876543210";

/// One thing to know: its name in the answers, the key in the file that it becomes, what it is without an answer, and both questions.
struct Question {
    name: &'static str,
    key: &'static str,
    usual: &'static str,
    zh: &'static str,
    en: &'static str,
}

const fn question(
    name: &'static str,
    key: &'static str,
    usual: &'static str,
    zh: &'static str,
    en: &'static str,
) -> Question {
    Question { name, key, usual, zh, en }
}

/// In the order in which they are asked. An empty answer takes what is usual.
const QUESTIONS: &[Question] = &[
    question("lang", "store.lang", "zh", "语言 zh 或 en", "language, zh or en"),
    question("store", "store.id", "S001", "门店编号", "the store's id"),
    question("name", "store.name", "望京店", "门店名称（打印用）", "the store's name, as printed"),
    question("timezone", "store.timezone", "Asia/Shanghai", "时区", "time zone"),
    question("currency", "store.currency", "CNY", "币种", "currency"),
    question("day_cut", "store.day_cut", "03:00", "日切时间，或 manual", "when the day is cut, or manual"),
    question("profile", "acquirer.profile", "unionpay-pos", "收单方言", "the acquirer's dialect"),
    question("endpoint", "acquirer.endpoint", "tcp://127.0.0.1:9583", "收单机构地址", "the acquirer's address"),
    question(
        "tpdu",
        "acquirer.tpdu",
        "6000030000",
        "TPDU（收单机构提供，10 位）",
        "TPDU, from the acquirer, 10 digits",
    ),
    question("header", "acquirer.header", "602200000000", "报文头（12 位）", "header, 12 digits"),
    question("terminal", "terminal[1].id", "POS1", "终端名称", "the terminal's name"),
    question("tid", "terminal[1].tid", "12345678", "终端号 TID（8 位）", "TID, 8 characters"),
    question("mid", "terminal[1].mid", "123456789012345", "商户号 MID（15 位）", "MID, 15 characters"),
    question("key_file", "terminal[1].master_key_file", "POS1.tmk", "主密钥文件", "the master key's file"),
    question("scanner", "reader[1].port", "none", "扫码枪串口，没有填 none", "the scanner's port, or none"),
    question("msr", "reader[2].port", "none", "刷卡器串口，没有填 none", "the stripe reader's port, or none"),
    question("printer", "printer[1].port", "none", "打印机串口，没有填 none", "the printer's port, or none"),
    question("columns", "printer[1].columns", "48", "打印宽度 32/35/42/48", "the printer's columns: 32, 35, 42, 48"),
    question("offline", "offline", "yes", "断网时离线收卡 yes/no", "take cards while the line is down, yes or no"),
];

/// What was answered, by the question's place.
struct Answers([String; QUESTIONS.len()]);

impl Answers {
    fn usual(try_out: bool) -> Answers {
        let mut answers = Answers(std::array::from_fn(|n| QUESTIONS[n].usual.to_owned()));
        if try_out {
            for (name, port) in [("scanner", "scanner"), ("msr", "msr"), ("printer", "printer")] {
                answers.set(name, port);
            }
        }
        answers
    }

    fn get(&self, name: &str) -> &str {
        QUESTIONS.iter().zip(&self.0).find(|(q, _)| q.name == name).map_or("", |(_, answer)| answer)
    }

    fn set(&mut self, name: &str, answer: &str) -> bool {
        let place = QUESTIONS.iter().position(|q| q.name == name);
        if let Some(place) = place {
            answer.clone_into(&mut self.0[place]);
        }
        place.is_some()
    }

    fn lang(&self) -> Lang {
        Lang::parse(self.get("lang")).unwrap_or(Lang::Zh)
    }

    /// The file. JSON's texts are TOML's, too.
    fn toml(&self) -> String {
        let text = |name: &str| serde_json::Value::from(self.get(name)).to_string();
        let here = |name: &str| self.get(name) != "none";
        let mut toml = format!(
            "# Written by tilld init. Every key with its meaning: the example configuration that comes with tilld.\n\
             # Relative paths begin at the folder of this file.\n\n\
             [store]\nid = {}\nname = {}\ntimezone = {}\ncurrency = {}\nday_cut = {}\nlang = {}\n\n\
             [data]\ndir = \"data\"\nmark_file = \"tilld.mark\"                # better on another medium: it shows a restored disk image\n\n\
             [api]\nsocket = \"tilld.sock\"\nlisten = \"127.0.0.1:7310\"             # the manager's console, and POS software with the token\n\
             token_file = \"token\"\n\n\
             [acquirer]\nprofile = {}\nendpoint = {}\ntpdu = {}\nheader = {}\n\n",
            text("store"),
            text("name"),
            text("timezone"),
            text("currency"),
            text("day_cut"),
            text("lang"),
            text("profile"),
            text("endpoint"),
            text("tpdu"),
            text("header"),
        );
        if self.get("offline") == "yes" {
            toml.push_str(
                "[offline]                              # minor units\nmax_amount = 50000\nmax_total = 2000000\nmax_count = 500\n\
                 max_age_hours = 72\n\n",
            );
        }
        toml.push_str(&format!(
            "[[terminal]]\nid = {}\ntid = {}\nmid = {}\nmaster_key_file = {}\n",
            text("terminal"),
            text("tid"),
            text("mid"),
            text("key_file")
        ));
        for kind in ["scanner", "msr"].into_iter().filter(|kind| here(kind)) {
            let (terminal, port) = (text("terminal"), text(kind));
            toml.push_str(&format!("\n[[reader]]\nterminal = {terminal}\nkind = \"{kind}\"\nport = {port}\n"));
        }
        if here("printer") {
            let (port, columns) = (text("printer"), self.get("columns"));
            let columns =
                if columns.bytes().all(|b| b.is_ascii_digit()) { columns.to_owned() } else { text("columns") };
            toml.push_str(&format!("\n[[printer]]\nid = \"front\"\nport = {port}\ncolumns = {columns}\n"));
        }
        toml
    }

    /// What is wrong with one answer, as it stands in the file.
    fn wrong(&self, question: &Question, path: &Path) -> Option<String> {
        if question.name == "offline" {
            let lang = self.lang();
            let told = if lang == Lang::Zh { "请填 yes 或 no" } else { "say yes or no" };
            return (!matches!(self.get("offline"), "yes" | "no")).then(|| told.to_owned());
        }
        let list = match Config::parse(&self.toml(), path) {
            Ok((_, list)) | Err(list) => list,
        };
        // With one reader alone it is the first, whichever it is.
        let key = match question.name {
            "scanner" if self.get("scanner") == "none" => return None,
            "msr" if self.get("scanner") == "none" => "reader[1].port",
            _ => question.key,
        };
        let about = |finding: &&Finding| finding.level == Level::Error && finding.key == key;
        list.iter().find(about).map(|finding| finding.what.in_lang(self.lang()).to_owned())
    }
}

/// Asks, writes, and says what comes next.
pub(super) fn init(args: &InitArgs) -> Result<Exit, Failure> {
    let dir = args.dir.clone().unwrap_or_else(|| PathBuf::from("."));
    let path = dir.join("tilld.toml");
    let mut answers = Answers::usual(args.try_out);
    if env_lang() == Lang::En {
        answers.set("lang", "en");
        answers.set("name", "Main Street");
    }
    if path.exists() && !args.force {
        let told = match answers.lang() {
            Lang::Zh => format!("{} 已存在：换一个目录，或用 --force 覆盖", path.display()),
            Lang::En => format!("{} exists: choose another folder, or --force to write over it", path.display()),
        };
        return Err(Failure::new(Exit::CantCreate, told));
    }
    for setting in &args.set {
        let (name, answer) = setting.split_once('=').unwrap_or((setting, ""));
        if !answers.set(name.trim(), answer.trim()) {
            let names = QUESTIONS.iter().map(|q| q.name).collect::<Vec<_>>().join(", ");
            return Err(Failure::new(Exit::Usage, format!("--set {setting}: NAME=VALUE, NAME one of {names}")));
        }
    }
    let given: Vec<&str> = args.set.iter().filter_map(|setting| setting.split('=').next()).map(str::trim).collect();
    if !args.yes && !args.try_out {
        ask(&mut answers, &given, &path)?;
    }
    for question in QUESTIONS {
        if let Some(wrong) = answers.wrong(question, &path) {
            return Err(Failure::new(Exit::Data, format!("{}: {wrong}", question.name)));
        }
    }
    write(&dir, &path, &answers, args)?;
    finish(&path, &answers, args.try_out)
}

/// One question after the other, on standard error; what is wrong is asked again. Answers come from standard input, a line each.
fn ask(answers: &mut Answers, given: &[&str], path: &Path) -> Result<(), Failure> {
    let input = std::io::stdin();
    let people = input.is_terminal();
    let mut lines = input.lock().lines();
    out::say(match answers.lang() {
        Lang::Zh => "直接回车采用方括号中的值。",
        Lang::En => "Enter takes what stands in brackets.",
    });
    for question in QUESTIONS.iter().filter(|q| !given.contains(&q.name)) {
        if question.name == "columns" && answers.get("printer") == "none" {
            continue;
        }
        loop {
            let lang = answers.lang();
            let asked = if lang == Lang::Zh { question.zh } else { question.en };
            let mut err = std::io::stderr().lock();
            let _ = write!(err, "{asked} [{}]: ", answers.get(question.name)).and_then(|()| err.flush());
            drop(err);
            let before = answers.get(question.name).to_owned();
            match lines.next() {
                Some(Ok(line)) if !line.trim().is_empty() => {
                    answers.set(question.name, line.trim());
                }
                Some(Ok(_)) => {}
                // Nobody is there any more: the rest is as usual.
                None if !people => out::say(&before),
                None => return Err(Failure::new(Exit::Data, "")),
                Some(Err(e)) => return Err(Failure::new(Exit::Data, e.to_string())),
            }
            let Some(wrong) = answers.wrong(question, path) else { break };
            out::say(&format!("  {wrong}"));
            let refused = answers.get(question.name).to_owned();
            answers.set(question.name, &before);
            if !people {
                return Err(Failure::new(Exit::Data, format!("{}: {refused:?}: {wrong}", question.name)));
            }
        }
    }
    Ok(())
}

fn write(dir: &Path, path: &Path, answers: &Answers, args: &InitArgs) -> Result<(), Failure> {
    let failed = |what: &Path, e: std::io::Error| Failure::new(Exit::CantCreate, format!("{}: {e}", what.display()));
    std::fs::create_dir_all(dir).map_err(|e| failed(dir, e))?;
    if args.try_out {
        let key = dir.join(answers.get("key_file"));
        if !key.exists() {
            private(&key, KNOWN_KEY).map_err(|e| failed(&key, e))?;
        }
    }
    std::fs::write(path, answers.toml()).map_err(|e| failed(path, e))
}

fn private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

/// What `check` says of it, and what comes next.
fn finish(path: &Path, answers: &Answers, try_out: bool) -> Result<Exit, Failure> {
    let lang = answers.lang();
    let (list, ready) = match Config::load(path) {
        Ok((_, list)) => (list, true),
        Err(error) => (error.findings, false),
    };
    // Beside stand-ins nothing is plugged in yet, and everything lies in one folder: that is no news.
    let list = list.into_iter().filter(|finding| !try_out || finding.level == Level::Error).collect::<Vec<_>>();
    if !list.is_empty() {
        out::text(&findings(path, &list, lang))?;
    }
    let file = path.display();
    let key = path.with_file_name(answers.get("key_file"));
    let key = key.display();
    let next = match (lang, try_out) {
        (Lang::Zh, false) => format!(
            "已写好 {file}。下一步：\n\
             1. 按上面的提示处理（收单机构的主密钥写入 {key}，权限 0600）\n\
             2. tilld check --config {file}\n\
             3. echo 密码 | tilld cashier add 9001 --name 店长 --role manager --pin-stdin --config {file}\n\
             4. tilld run --config {file}\n"
        ),
        (Lang::En, false) => format!(
            "{file} is written. Next:\n\
             1. see to what is said above (the acquirer's master key goes into {key}, mode 0600)\n\
             2. tilld check --config {file}\n\
             3. echo PIN | tilld cashier add 9001 --name Anna --role manager --pin-stdin --config {file}\n\
             4. tilld run --config {file}\n"
        ),
        (_, true) => try_it(path, lang),
    };
    out::text(&next)?;
    Ok(if ready || !try_out { Exit::Ok } else { Exit::Config })
}

/// The whole way to a printed X report, to be copied into a shell in this folder.
fn try_it(path: &Path, lang: Lang) -> String {
    let folder = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let head = match lang {
        Lang::Zh => "已写好，可用模拟器试用（密钥是公开的，不可用于真实门店）。依次执行：",
        Lang::En => {
            "Written, to be tried with the stand-ins (the key is known to everybody: never for a real store). One after the other:"
        }
    };
    format!(
        "{head}\n\
         cd {}\n\
         export TILLD_CONFIG=tilld.toml\n\
         tilld sim acquirer --any-terminal {KNOWN_KEY} > acquirer.log &\n\
         tilld sim printer --port printer --paper paper.txt > /dev/null &\n\
         tilld sim scanner --port scanner > /dev/null &\n\
         tilld sim msr --port msr > /dev/null &\n\
         echo 8888 | tilld cashier add 9001 --name Anna --role manager --pin-stdin\n\
         echo 1234 | tilld cashier add 1001 --name Lee --role cashier --pin-stdin\n\
         tilld run 2> tilld.log &\n\
         sleep 2; tilld status\n\
         curl -s --unix-socket tilld.sock http://tilld/v1/payments -H 'content-type: application/json' -d '{{\n  \
           \"request_id\": \"first-sale\", \"kind\": \"sale\", \"device\": \"POS1\", \"cashier\": \"1001\",\n  \
           \"method\": \"qr\", \"amount\": 1234, \"currency\": \"CNY\", \"auth_code\": \"134567890123456789\" }}'; echo\n\
         tilld report --print; sleep 1; cat paper.txt\n\
         # {}\n",
        folder.display(),
        match lang {
            Lang::Zh =>
                "然后：tilld status --watch；店长控制台 http://127.0.0.1:7310（9001，密码 8888）；tilld close；全部停止：kill $(jobs -p)",
            Lang::En =>
                "Then: tilld status --watch; the console at http://127.0.0.1:7310 (9001, PIN 8888); tilld close; to stop all: kill $(jobs -p)",
        }
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn path() -> PathBuf {
        PathBuf::from("/etc/tilld/tilld.toml")
    }

    #[test]
    fn what_is_usual_is_a_configuration() {
        for try_out in [false, true] {
            let answers = Answers::usual(try_out);
            let parsed = Config::parse(&answers.toml(), &path());
            let (config, _) = parsed.unwrap_or_else(|list| panic!("{list:#?}\n{}", answers.toml()));
            assert_eq!((config.readers.len(), config.printers.len()), if try_out { (2, 1) } else { (0, 0) });
            assert!(QUESTIONS.iter().all(|q| answers.wrong(q, &path()).is_none()));
        }
    }

    #[test]
    fn every_answer_that_is_wrong_is_said_at_its_own_question() {
        for (name, bad) in [
            ("store", "a b"),
            ("name", ""),
            ("timezone", "Mars/Base"),
            ("currency", "XXXX"),
            ("day_cut", "25:00"),
            ("lang", "fr"),
            ("profile", "nobody"),
            ("endpoint", "http://x"),
            ("tpdu", "12"),
            ("header", "zz"),
            ("terminal", ""),
            ("tid", "1"),
            ("mid", "1"),
            ("printer", ""),
            ("msr", ""),
            ("offline", "maybe"),
        ] {
            let mut answers = Answers::usual(name == "printer");
            assert!(answers.set(name, bad));
            let wrong: Vec<&str> =
                QUESTIONS.iter().filter(|q| answers.wrong(q, &path()).is_some()).map(|q| q.name).collect();
            assert_eq!(wrong, [name], "{name} = {bad:?}");
        }
    }

    #[test]
    fn a_name_with_quotes_stays_a_name() {
        let mut answers = Answers::usual(false);
        answers.set("name", "\"望京\" \\ 店");
        let (config, _) = Config::parse(&answers.toml(), &path()).unwrap();
        assert_eq!(config.store.name, "\"望京\" \\ 店");
    }
}
