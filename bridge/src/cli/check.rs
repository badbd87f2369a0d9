//! `upturn check`: says what is wrong with rules, leads, registry, destinations, routes and feeds, where,
//! and what would be right.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use upturn_core::catalogue::Catalogue;
use upturn_core::rule::finding::Severity;

use crate::compliance;
use crate::delivery;
use crate::exit::Exit;
use crate::feeds;
use crate::leads;
use crate::rules::{self, CheckedFile, RulesError};
use crate::stock::document;

mod registry;
mod report;

/// Checks rules, leads, registry, destinations, routes and feeds and says what is wrong, where, and what would be right.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, or folders of them; the configured folders where absent. Destinations, routes and feeds
    /// are those in folders of these names; a registry is a folder with its tables.
    paths: Vec<PathBuf>,
    /// How to print what was found.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Let warnings count as errors.
    #[arg(long)]
    strict: bool,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
    /// Annotations for a GitHub workflow.
    Github,
}

/// What a check is made with.
#[derive(Debug)]
pub(crate) struct Setup<'s> {
    /// The folder to check where the command names none.
    pub(crate) rules_dir: &'s Path,
    /// The folder of the registry, if there is one.
    pub(crate) registry_dir: Option<&'s Path>,
    /// The folder of the rules of the house on selling, if there is one.
    pub(crate) compliance_dir: Option<&'s Path>,
    /// What destinations and routes are read with.
    pub(crate) delivery: &'s delivery::files::Setup,
    /// What feeds are read with.
    pub(crate) feeds: &'s feeds::files::Setup,
    /// What the configured sources send.
    pub(crate) catalogue: &'s Catalogue,
    /// Whether a person reads the output in a terminal.
    pub(crate) is_terminal: bool,
}

/// Checks the files, writes what was found to `out`, what went wrong to `err`, and returns the
/// exit code.
pub(crate) fn run(
    args: &Args,
    setup: &Setup<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let configured = [
        Some(setup.rules_dir),
        setup.registry_dir,
        setup.compliance_dir,
        setup.delivery.dir(),
        setup.feeds.dir(),
    ];
    let default: Vec<PathBuf> = configured.into_iter().flatten().map(Path::to_owned).collect();
    let paths = if args.paths.is_empty() { &default[..] } else { &args.paths };
    let files = match read(paths, setup) {
        Ok(files) => files,
        Err(error) => {
            let cause = match &error {
                RulesError::Unreadable { source, .. } => format!(": {source}"),
                RulesError::Missing(_) | RulesError::Wrong(_) => String::new(),
            };
            writeln!(err, "error: {error}{cause}")?;
            return Ok(Exit::NoInput);
        }
    };
    match args.format {
        Format::Text if setup.is_terminal => report::graphical(&files, out)?,
        Format::Text => report::plain(&files, out)?,
        Format::Json => report::json(&files, out)?,
        Format::Github => report::github(&files, out)?,
    }
    let bad = count(&files, Severity::Error)
        + if args.strict { count(&files, Severity::Warning) } else { 0 };
    Ok(if bad == 0 { Exit::Ok } else { Exit::Findings })
}

/// Reads rules, and what lies in a folder of destinations or routes as such.
fn read(paths: &[PathBuf], setup: &Setup<'_>) -> Result<Vec<CheckedFile>, RulesError> {
    let is_delivery = |path: &&PathBuf| {
        Some(path.as_path()) == setup.delivery.dir() || delivery::files::folder_of(path).is_some()
    };
    let (of_delivery, others): (Vec<_>, Vec<_>) = paths.iter().partition(is_delivery);
    let is_feed = |path: &&PathBuf| setup.feeds.holds(path);
    let (of_feeds, others): (Vec<_>, Vec<_>) = others.into_iter().partition(is_feed);
    let is_registry = |path: &&PathBuf| registry::is_one(path, setup.registry_dir);
    let (of_registry, of_rules): (Vec<_>, Vec<_>) = others.into_iter().partition(is_registry);
    let (mut compliance, mut of_leads, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for path in of_rules {
        for path in rules::files_in(path)? {
            let file = rules::read_text(path.clone())?;
            if compliance::is_one(&file) {
                compliance.push(compliance::read(file).0);
            } else if leads::is_one(&file) {
                of_leads.push(file);
            } else if document::is_one(&file) {
                compliance.push(document::read(file).0);
            } else {
                others.push(path);
            }
        }
    }
    let mut files = rules::check(&others, setup.catalogue)?;
    files.extend(compliance);
    files.extend(leads::check(of_leads).0);
    for path in of_registry {
        let (checked, sound) = registry::check(path)?;
        if let Some(sound) = sound {
            registry::warn_of_nobody(&mut files, &sound);
        }
        files.extend(checked);
    }
    for path in of_feeds {
        files.extend(setup.feeds.check(path)?.0);
    }
    for path in of_delivery {
        let folder = delivery::files::folder_of(path).unwrap_or(path);
        // A route is right or wrong by the destinations beside it.
        let checked = setup.delivery.check(folder)?.files;
        files.extend(checked.into_iter().filter(|file| file.path.starts_with(path)));
    }
    Ok(files)
}

/// Returns how many findings of `severity` there are.
fn count(files: &[CheckedFile], severity: Severity) -> usize {
    let findings = files.iter().flat_map(|file| &file.findings);
    findings.filter(|finding| finding.severity == severity).count()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;
    use upturn_core::decode::Format;

    use super::*;
    use crate::config::Config;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        args: Args,
    }

    const WRONG: &str = "id = \"a\"\nkind = \"triger\"\ntitle = { zh = \"连续\", de = \"x\" }\n\
        [when]\npattern = \"consecutive\"\nevent = \"charge_faild\"\n\
        [episode]\ncooldown = \"7d\"\n[[then]]\ntask = \"care\"\n";

    fn delivery(dir: Option<&Path>) -> delivery::files::Setup {
        let mut config = Config::default();
        config.delivery.dir = dir.map(Path::to_owned);
        delivery::files::Setup::for_checks(&config).unwrap()
    }

    fn feeds() -> feeds::files::Setup {
        let clock = std::sync::Arc::new(crate::clock::SystemClock);
        feeds::files::Setup::new(&Config::default(), clock).unwrap()
    }

    /// Returns the exit code and what is printed, with `.` for the folder.
    fn checked(text: &str, options: &[&str], is_terminal: bool) -> (u8, String) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.toml"), text).unwrap();
        let command = Command::parse_from([&["check"], options].concat());
        let setup = Setup {
            rules_dir: folder.path(),
            registry_dir: None,
            compliance_dir: None,
            delivery: &delivery(None),
            feeds: &feeds(),
            catalogue: &Catalogue::of(&[Format::Native]),
            is_terminal,
        };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = run(&command.args, &setup, &mut out, &mut err).unwrap();
        out.extend(err);
        let out = String::from_utf8(out).unwrap();
        (code as u8, out.replace(folder.path().to_str().unwrap(), "."))
    }

    #[test]
    fn prints_each_finding_with_its_line_and_its_cure() {
        let (code, out) = checked(WRONG, &[], false);
        assert_eq!(code, 1);
        assert_eq!(
            out,
            "./a.toml:2:8: error[unknown-value]: 'triger' is not known\n\
             \x20 2 | kind = \"triger\"\n\
             \x20   |        ^^^^^^^^\n\
             \x20 help: did you mean 'trigger'?\n\
             \n\
             ./a.toml:3:22: error[unknown-key]: the title has no key 'de'\n\
             \x20 3 | title = { zh = \"连续\", de = \"x\" }\n\
             \x20   |                        ^^\n\
             \x20 help: use one of: en, zh\n\
             \n\
             ./a.toml:6:9: warning[unknown-kind]: no source is known to send 'charge_faild'\n\
             \x20 6 | event = \"charge_faild\"\n\
             \x20   |         ^^^^^^^^^^^^^^\n\
             \x20 help: did you mean 'charge_failed'?\n\
             \n\
             1 file checked: 2 errors, 1 warning\n"
        );
    }

    const DESTINATION: &str = "id = \"devices\"\nkind = \"mqtt\"\ntitle = { en = \"D\" }\n\
        [settings]\ntopic = \"t/{device}\"\n";
    const ROUTE: &str = "id = \"all\"\non = [\"task-created\"]\nto = \"devices\"\n";

    /// Checks a destination and a route, as they are or with a change, and looks for what is said.
    fn check_documents(in_destination: [&str; 2], in_route: [&str; 2], expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let texts = [
            ("destinations", DESTINATION.replace(in_destination[0], in_destination[1])),
            ("routes", format!("{ROUTE}#").replace(in_route[0], in_route[1])),
        ];
        for (name, text) in texts {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("a.toml"), text).unwrap();
        }
        let path = folder.path().to_str().unwrap();
        let (code, out) = checked("", &[path], false);
        let out = out.replace(path, ".");
        assert_eq!(code, u8::from(!expected.is_empty()), "{out}");
        assert!(out.contains(expected), "{expected} is not in {out}");
    }

    #[test]
    fn destinations_and_routes_are_told_where_they_are_wrong() {
        const SAME: [&str; 2] = ["#", "#"];

        check_documents(SAME, SAME, "");
        let of_destinations = [
            (["mqtt", "mqqt"], "2:8: error[unknown-value]: 'mqqt' is no kind"),
            (["title", "titel"], "3:1: error[unknown-key]: unknown field `titel`"),
            (["topic", "tropic"], "5:10: error[bad-settings]: unknown field `tropic`"),
            (["{device}", "#"], "5:9: error[bad-settings]: 'topic' is no topic to publish to"),
            (["[settings]", "tries = 0\n[settings]"], "4:9: error[bad-number]: 0 is no number"),
        ];
        for (change, expected) in of_destinations {
            check_documents(change, SAME, &format!("./destinations/a.toml:{expected}"));
        }
        let of_routes = [
            (["created", "creatd"], "2:7: error[unknown-value]: unknown variant `task-creatd`"),
            (["devices", "device"], "3:6: error[unknown-destination]: there is no sound"),
            (["#", "digest = \"8:30\""], "4:10: error[bad-time]: '8:30' is no time of day"),
            (["#", "hold = \"2d\""], "4:8: error[too-long]: that is too long to keep"),
        ];
        for (change, expected) in of_routes {
            check_documents(SAME, change, &format!("./routes/a.toml:{expected}"));
        }
    }

    #[test]
    fn the_registry_is_checked_and_steps_that_nobody_does_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let of_registry = folder.path().join("registry");
        fs::create_dir(&of_registry).unwrap();
        fs::create_dir(folder.path().join("rules")).unwrap();
        let rule = WRONG
            .replace("triger", "trigger")
            .replace(", de = \"x\"", "")
            .replace("charge_faild", "charge_failed");
        let leads = "id = \"r\"\nkind = \"route\"\ntitle = { en = \"R\" }\n[[line]]\n\
            to = \"round-robin:ev, else pool:sky\"\n[[team]]\nteam = \"ev\"\n[[team.member]]\n\
            person = \"ann\"\ncapacity = 1\n";
        for (name, text) in [
            ("rules/a.toml", format!("{rule}route = \"account-owner, else pool:ev\"\n")),
            ("rules/b.toml", leads.to_owned()),
            ("registry/people.csv", "id,name,manager,team\nbob,Bob,,ev\n".to_owned()),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let all = || {
            let paths = ["rules", "registry"].map(|name| folder.path().join(name));
            let paths = paths.map(|path| path.to_str().unwrap().to_owned());
            let (code, out) = checked("", &[&paths[0], &paths[1]], false);
            (code, out.replace(folder.path().to_str().unwrap(), "."))
        };
        let (code, out) = all();
        assert_eq!(code, 0, "{out}");
        for expected in [
            "./rules/b.toml:9:10: warning[nobody]: 'ann' is not in people.csv",
            "./rules/b.toml:5:28: warning[nobody]: nobody is in the team 'sky'",
        ] {
            assert!(out.contains(expected), "{expected} is not in {out}");
        }
        assert!(!out.contains("'ev'"), "{out}");
        fs::write(of_registry.join("people.csv"), "id,name,manager\nbob,Bob,ann\n").unwrap();
        fs::write(of_registry.join("hand-overs.toml"), "kind = []\n").unwrap();
        let (code, out) = all();
        assert_eq!(code, 1, "{out}");
        assert!(out.contains("./registry/people.csv:2:1: error[registry]: "), "{out}");
        assert!(out.contains("./registry/hand-overs.toml:"), "{out}");
    }

    #[test]
    fn prints_a_picture_in_a_terminal() {
        let (code, out) = checked(WRONG, &[], true);
        assert_eq!(code, 1);
        for part in [
            "a.toml:2:8",
            "a.toml:3:22",
            "unknown-value",
            "'triger' is not known",
            "did you mean 'trigger'?",
        ] {
            assert!(out.contains(part), "{part} in {out}");
        }
    }

    #[test]
    fn a_file_without_a_line_can_be_shown_too() {
        for text in ["", "\u{feff}", "\n", "where = '", "[when]\nwhere = 'a =="] {
            for is_terminal in [true, false] {
                assert_eq!(checked(text, &[], is_terminal).0, 1, "case: {text:?}, {is_terminal}");
            }
        }
    }

    #[test]
    fn prints_one_json_document() {
        let (code, out) = checked(WRONG, &["--format", "json"], false);
        let document: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(code, 1);
        assert_eq!(document["errors"], 2);
        assert_eq!(document["warnings"], 1);
        assert_eq!(
            document["findings"][0],
            serde_json::json!({
                "path": "./a.toml", "line": 2, "column": 8, "severity": "error",
                "code": "unknown-value", "message": "'triger' is not known",
                "cure": "did you mean 'trigger'?",
            })
        );
    }

    #[test]
    fn prints_annotations_for_a_workflow() {
        let (_, out) = checked(WRONG, &["--format", "github"], false);
        let expected = "::error file=./a.toml,line=2,col=8,title=unknown-value::'triger' is not \
             known; did you mean 'trigger'?";
        assert_eq!(out.lines().next(), Some(expected));
    }

    #[test]
    fn the_exit_code_says_whether_the_rules_can_be_used() {
        let doubtful = WRONG.replace("triger", "trigger").replace(", de = \"x\"", "");
        let sound = doubtful.replace("charge_faild", "charge_failed");
        let cases = [
            ("sound", &sound, &[][..], 0),
            ("doubtful", &doubtful, &[], 0),
            ("doubtful, strictly", &doubtful, &["--strict"], 1),
            ("sound, strictly", &sound, &["--strict"], 0),
            ("wrong", &WRONG.to_owned(), &[], 1),
            ("not there", &sound, &["there/is/no/such/path"], 66),
        ];
        for (case, text, options, expected) in cases {
            assert_eq!(checked(text, options, false).0, expected, "case: {case}");
        }
        let (_, said) = checked(&sound, &["there/is/no/such/path"], false);
        assert_eq!(
            said,
            "error: there is no file or folder 'there/is/no/such/path'; name the rules by their path\n"
        );
        assert_eq!(checked(&sound, &[], false).1, "1 file checked: nothing wrong\n");
    }
}
