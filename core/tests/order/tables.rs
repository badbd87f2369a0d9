//! Tables that judge the reference, worked out by hand.
//!
//! A story is written `0 fail, 5 fail d1, 7 reading =8`: the minute, the kind, and what else is
//! to be said. What stands is written `9: fail@0 fail@5`: the minute at which it opened and the
//! evidence, with `open` behind it where the episode is.

use chrono::TimeDelta;
use upturn_core::event::Event;
use upturn_core::rule::Rule;

use crate::model::judge;
use crate::world::{Happening, Setting, Standing, Ticket, event, minute_of, registry};

mod arrivals;
mod episodes;
mod patterns;
mod tasks;

/// A name, a story, and what stands after it.
type Told = (&'static str, &'static str, &'static [&'static str]);

/// The minute of log time at which the tables look, unless they name another.
const LOG_MINUTE: i64 = 1000;

fn minutes(minutes: i64) -> TimeDelta {
    TimeDelta::minutes(minutes)
}

/// Checks what `rule` makes of each story.
fn check(rule: &Rule, cases: &[Told]) {
    for (name, story, expected) in cases {
        let standing = judged(std::slice::from_ref(rule), &Setting::default(), story, LOG_MINUTE);
        let written: Vec<_> = standing.iter().map(written).collect();
        assert_eq!(written, *expected, "case: {name}");
    }
}

fn judged(rules: &[Rule], setting: &Setting, story: &str, log_minute: i64) -> Vec<Standing> {
    let mut arrival = told(story, log_minute);
    let standing = judge(rules, &registry(setting), &arrival).standing;
    arrival.reverse();
    let reversed = judge(rules, &registry(setting), &arrival).standing;
    assert_eq!(standing, reversed, "the order in which a story is told: {story}");
    standing
}

fn told(story: &str, log_minute: i64) -> Vec<Event> {
    let happenings = story.split(',').map(str::trim).filter(|text| !text.is_empty());
    happenings.map(|text| event(&happening(text), log_minute)).collect()
}

/// Reads `minute kind`, then any of: `d1` a device, `/1` a channel, `=8` a value, `t1` a tag,
/// `c1` a code, `s1` a site, `#2` a counter, `!2` the first character of the id, `severe-a0` and
/// `minor-a0` a ticket of an account.
fn happening(text: &str) -> Happening {
    let mut words = text.split(' ');
    let minute = words.next().unwrap().parse().unwrap();
    let kind: &'static str = words.next().unwrap().to_owned().leak();
    let mut happening = Happening { minute, kind, ..Happening::default() };
    for word in words {
        let (first, rest) = word.split_at(1);
        match first {
            "d" => happening.device = rest.parse().unwrap(),
            "/" => happening.channel = Some(rest.parse().unwrap()),
            "=" => happening.value = Some(rest.parse().unwrap()),
            "t" => happening.tag = Some(rest.parse().unwrap()),
            "c" => happening.code = Some(rest.parse().unwrap()),
            "s" if rest.len() == 1 => happening.site = Some(rest.parse().unwrap()),
            "#" => happening.seq = Some(rest.parse().unwrap()),
            "!" => happening.salt = rest.parse().unwrap(),
            _ => {
                let (severity, account) = word.split_once("-a").unwrap();
                let (account, is_severe) = (account.parse().unwrap(), severity == "severe");
                happening.ticket = Some(Ticket { account, number: 0, is_severe });
            }
        }
    }
    happening
}

fn written(standing: &Standing) -> String {
    let evidence: Vec<_> = standing.evidence.iter().map(|piece| short(piece)).collect();
    let open = if standing.is_open { " open" } else { "" };
    format!("{}: {}{open}", minute_of(standing.opened_at), evidence.join(" "))
}

/// Leaves out of `0-fail-d0@5` what most tables do not need.
fn short(piece: &str) -> String {
    piece.replace("-d0", "").trim_start_matches("0-").to_owned()
}
