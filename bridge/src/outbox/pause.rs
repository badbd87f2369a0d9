//! How long to wait before a letter, or a destination, is tried again.

use chrono::TimeDelta;

const FIRST_S: i64 = 1;
const LONGEST_S: i64 = 3_600;

/// Returns the pause after the try number `tries`, from 1: it doubles from a second up to an hour, and
/// is between half and the whole of that, by `share` of 255, so that many do not come back at once.
/// What the other side asks for, `after`, is kept in any case, up to a day.
pub(super) fn pause(tries: u32, share: u8, after: Option<std::time::Duration>) -> TimeDelta {
    let doublings = tries.saturating_sub(1).min(20);
    let whole = (FIRST_S << doublings).min(LONGEST_S) * 1_000;
    let jittered = TimeDelta::milliseconds(whole / 2 + whole / 2 * i64::from(share) / 255);
    let asked = after.and_then(|after| TimeDelta::from_std(after).ok()).unwrap_or_default();
    jittered.max(asked.min(TimeDelta::days(1)))
}

/// Returns a random share for [`pause`]; without randomness pauses are merely less spread out.
pub(super) fn share() -> u8 {
    let mut random = [128; 1];
    getrandom::fill(&mut random).ok();
    random[0]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn doubles_up_to_an_hour_and_keeps_what_it_is_asked_for() {
        let cases = [
            ("first, least", 1, 0, None, 500),
            ("first, most", 1, 255, None, 1_000),
            ("fifth", 5, 255, None, 16_000),
            ("twelfth", 12, 255, None, 2_048_000),
            ("thirteenth", 13, 255, None, 3_600_000),
            ("any later", u32::MAX, 0, None, 1_800_000),
            ("asked for more", 1, 0, Some(Duration::from_secs(90)), 90_000),
            ("asked for less", 5, 255, Some(Duration::from_secs(2)), 16_000),
            ("asked for a year", 1, 0, Some(Duration::from_hours(8_760)), 86_400_000),
            ("asked for ever", 1, 0, Some(Duration::MAX), 500),
        ];
        for (case, tries, share, after, expected) in cases {
            assert_eq!(pause(tries, share, after).num_milliseconds(), expected, "case: {case}");
        }
    }
}
