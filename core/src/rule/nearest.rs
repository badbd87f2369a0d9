//! "Did you mean": the known word that a misspelt one is nearest to.

/// Longer words are not compared: nobody misspells them, and the time grows with their square.
const LEN_MAX: usize = 64;

/// Returns the candidate that is nearest to `word`, if one is near enough to be meant.
pub(crate) fn find<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let length = word.chars().count();
    if LEN_MAX < length {
        return None;
    }
    let allowed = (length / 3).max(1);
    let measured = candidates.into_iter().map(|candidate| (distance(word, candidate), candidate));
    let near = measured.filter(|(distance, _)| *distance <= allowed);
    near.min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

/// Returns a cure: the nearest candidate, or all of them.
pub(crate) fn cure<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str> + Clone,
) -> String {
    if let Some(near) = find(word, candidates.clone()) {
        return format!("did you mean '{near}'?");
    }
    let all: Vec<_> = candidates.into_iter().collect();
    format!("use one of: {}", all.join(", "))
}

/// Returns how many letters must be added, dropped, exchanged or swapped with their neighbour to
/// make `one` of `other`, whatever their case.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().flat_map(char::to_lowercase).collect();
    let other: Vec<char> = other.chars().flat_map(char::to_lowercase).collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    let mut previous = None;
    for (row, letter) in one.iter().enumerate() {
        let mut current = vec![row + 1];
        let mut left = None;
        for (column, beside) in other.iter().enumerate() {
            let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX);
            let exchange = at(&last, column) + usize::from(letter != beside);
            let shift = at(&last, column + 1).min(at(&current, column)) + 1;
            let swapped = previous == Some(beside) && left == Some(letter);
            let swap = if swapped { at(&before_last, column.wrapping_sub(1)) } else { usize::MAX };
            current.push(exchange.min(shift).min(swap.saturating_add(1)));
            left = Some(beside);
        }
        before_last = last;
        last = current;
        previous = Some(letter);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_how_far_two_words_are_apart() {
        let cases = [
            ("times", "times", 0),
            ("Times", "times", 0),
            ("tmies", "times", 1),
            ("tims", "times", 1),
            ("time", "times", 1),
            ("within", "times", 5),
            ("", "abc", 3),
            ("abc", "", 3),
        ];
        for (one, other, expected) in cases {
            assert_eq!(distance(one, other), expected, "case: {one} and {other}");
        }
    }

    #[test]
    fn suggests_only_what_could_be_meant() {
        let keys = ["event", "times", "within"];
        assert_eq!(find("tiems", keys), Some("times"));
        assert_eq!(find("withn", keys), Some("within"));
        assert_eq!(find("colour", keys), None);
        assert_eq!(cure("colour", keys), "use one of: event, times, within");
    }
}
