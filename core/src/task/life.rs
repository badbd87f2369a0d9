//! The life of a task: what can be done with it in each state, as one table.

use crate::input::Verb;

/// How a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It stands, and nobody has taken it on.
    New,
    /// Somebody has taken it on.
    Accepted,
    /// Somebody is at it.
    InProgress,
    /// What it asked for is done.
    Done,
    /// Somebody decided that nothing will be done.
    Dismissed,
    /// Late evidence took away what it was based on before anybody touched it.
    Withdrawn,
}

/// Why something cannot be done with a task; its state stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is over.
    Closed,
    /// Somebody was there before, or it is in other hands.
    Changed,
}

impl Refusal {
    /// Returns its stable word.
    pub fn code(self) -> &'static str {
        match self {
            Self::Closed => "task-closed",
            Self::Changed => "task-changed",
        }
    }
}

/// What comes of a verb.
type Cell = Result<State, Refusal>;

const NEW: Cell = Ok(State::New);
const TAKEN: Cell = Ok(State::Accepted);
const AT_IT: Cell = Ok(State::InProgress);
const DONE: Cell = Ok(State::Done);
const GIVEN_UP: Cell = Ok(State::Dismissed);
const OVER: Cell = Err(Refusal::Closed);
const TOO_LATE: Cell = Err(Refusal::Changed);

impl State {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::New, Self::Accepted, Self::InProgress, Self::Done, Self::Dismissed, Self::Withdrawn];

    /// Returns the state that follows on `verb`.
    ///
    /// Whose the task is decides besides: only what is in a pool can be claimed, and only what is
    /// not can be returned.
    pub fn after(self, verb: Verb) -> Result<Self, Refusal> {
        let [new, accepted, in_progress, done, dismissed, withdrawn] = row(verb);
        match self {
            Self::New => new,
            Self::Accepted => accepted,
            Self::InProgress => in_progress,
            Self::Done => done,
            Self::Dismissed => dismissed,
            Self::Withdrawn => withdrawn,
        }
    }

    /// Returns whether there is still something to do.
    pub fn is_open(self) -> bool {
        match self {
            Self::New | Self::Accepted | Self::InProgress => true,
            Self::Done | Self::Dismissed | Self::Withdrawn => false,
        }
    }
}

/// The table. Whoever does something of what a task asks for is at it, and what changes hands is new
/// to those who get it.
#[rustfmt::skip]
fn row(verb: Verb) -> [Cell; 6] {
    match verb {
        //                                   new       accepted  in progr. done  dismissed withdrawn
        Verb::Accept | Verb::Claim       => [TAKEN,    TOO_LATE, TOO_LATE, OVER, OVER,     OVER],
        Verb::Start                      => [AT_IT,    AT_IT,    TOO_LATE, OVER, OVER,     OVER],
        Verb::CheckStep | Verb::Contact | Verb::IssueCoupon | Verb::BookConsultant
                                         => [AT_IT,    AT_IT,    AT_IT,    OVER, OVER,     OVER],
        Verb::UncheckStep | Verb::Snooze | Verb::Wake | Verb::BackFill
        | Verb::ApproveBackFill | Verb::RejectBackFill
                                         => [NEW,      TAKEN,    AT_IT,    OVER, OVER,     OVER],
        Verb::Comment                    => [NEW,      TAKEN,    AT_IT,    DONE, GIVEN_UP, OVER],
        Verb::HandOver | Verb::Return    => [NEW,      NEW,      NEW,      OVER, OVER,     OVER],
        Verb::Done                       => [DONE,     DONE,     DONE,     OVER, OVER,     OVER],
        Verb::Dismiss                    => [GIVEN_UP, GIVEN_UP, GIVEN_UP, OVER, OVER,     OVER],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_verb_leads_from_each_state_where_the_table_says() {
        // New, accepted, in progress, done, dismissed, withdrawn; x: over, -: too late.
        let cases = [
            ("accept", "a--xxx"),
            ("claim", "a--xxx"),
            ("start", "pp-xxx"),
            ("check-step", "pppxxx"),
            ("uncheck-step", "napxxx"),
            ("issue-coupon", "pppxxx"),
            ("book-consultant", "pppxxx"),
            ("contact", "pppxxx"),
            ("back-fill", "napxxx"),
            ("approve-back-fill", "napxxx"),
            ("reject-back-fill", "napxxx"),
            ("snooze", "napxxx"),
            ("wake", "napxxx"),
            ("comment", "napdgx"),
            ("hand-over", "nnnxxx"),
            ("return", "nnnxxx"),
            ("done", "dddxxx"),
            ("dismiss", "gggxxx"),
        ];
        assert_eq!(cases.map(|(word, _)| Verb::find(word)), Verb::ALL.map(Some));
        for (word, expected) in cases {
            let verb = Verb::find(word).unwrap();
            assert_eq!(verb.word(), word);
            let found: String = State::ALL.map(|state| letter(state.after(verb))).iter().collect();
            assert_eq!(found, expected, "case: {word}");
            let closes = |state: &State| state.after(verb).is_ok_and(|after| !after.is_open());
            let opens = State::ALL.into_iter().filter(|state| state.is_open());
            assert_eq!(opens.filter(closes).count(), if verb.closes() { 3 } else { 0 });
        }
    }

    fn letter(cell: Cell) -> char {
        match cell {
            Ok(State::New) => 'n',
            Ok(State::Accepted) => 'a',
            Ok(State::InProgress) => 'p',
            Ok(State::Done) => 'd',
            Ok(State::Dismissed) => 'g',
            Ok(State::Withdrawn) => 'w',
            Err(Refusal::Closed) => 'x',
            Err(Refusal::Changed) => '-',
        }
    }
}
