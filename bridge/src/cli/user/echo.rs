//! Keeps what is typed off the screen.

/// Runs `typing` while the terminal on standard input does not echo.
#[cfg(unix)]
pub(super) fn without<T>(typing: impl FnOnce() -> T) -> T {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

    let terminal = std::io::stdin();
    let Ok(before) = tcgetattr(&terminal) else { return typing() };
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    if tcsetattr(&terminal, OptionalActions::Flush, &silent).is_err() {
        return typing();
    }
    let typed = typing();
    if let Err(error) = tcsetattr(&terminal, OptionalActions::Now, &before) {
        tracing::warn!(%error, "the terminal does not echo; `stty echo` helps");
    }
    typed
}

/// Runs `typing`; here the terminal echoes.
#[cfg(not(unix))]
pub(super) fn without<T>(typing: impl FnOnce() -> T) -> T {
    typing()
}
