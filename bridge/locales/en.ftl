# English. Every key here is also in zh-CN.ftl, with the same variables.

skip-to-content = Skip to content
nav-label = Sections
nav-tasks = Tasks
nav-dead-letters = Dead letters
language-label = Language
log-out = Log out
footer-zone = Times are shown in

login-title = Log in to Upturn
login-name = User name
login-password = Password
login-submit = Log in
login-wrong = The user name or the password is wrong.
login-too-many = Too many wrong passwords. Wait a quarter of an hour and try again.
login-no-users = Nobody can log in yet. Make the first user on the machine that runs Upturn:
login-no-users-name = NAME

tasks-title = Tasks
view-label = When due
view-all = All
view-overdue = Overdue
view-today = Due today
view-later = Later
view-withdrawn = Withdrawn
owner-label = Owner
owner-all = Everyone
owner-mine = Mine
owner-pool = Pools
owner-pool-prefix = Pool
inbox-news = { $n } new — show

task-title = Task
task-device = Device
task-account = Account
task-account-none = Not registered
task-owner = Owner
task-due = Due
task-due-none = No due time
task-status = Status
status-new = New
status-withdrawn = Withdrawn

empty-title = No tasks yet
empty-what = A task appears here as soon as a rule holds, for example when the same charger fails three times in a row.
empty-how = To try it, let a test device fail three times:
empty-demo = Or watch a simulated day:
empty-filter = No task matches this view
empty-show-all = Show all tasks
empty-page = There is nothing further back
pages-label = Pages
pages-newest = Back to the newest
pages-next = Older

keys-title = Keys
keys-down = Next task
keys-up = Previous task
keys-open = Open the task
keys-help = Show these keys
keys-close = Close

task-back = All tasks
task-why = Why this task
task-rule = Rule
task-held = { $n ->
    [one] held on one event at { $to }.
   *[other] held on { $n } events between { $from } and { $to }.
}
episode-open = It is still going on; later events join this task.
episode-closed = It is over; later events can only make a new task.
task-withdrawn-note = Evidence that arrived late took away the reason for this task. There is nothing left to do.
task-facts = Facts
task-steps = What to do
steps-none = The rule names no steps.
step-send-coupon = Send a coupon
step-book-consultant = Book the technical consultant
task-kind = Kind
task-scope = Counted by
task-created = Made
task-id = Task id
task-history = History
history-detail = Details
history-none = Nothing has happened to this task since it was made.
audit-task-created = Made
audit-task-amended = Changed by late evidence
audit-task-withdrawn = Withdrawn by late evidence
evidence-label = Evidence
evidence-time = Time
evidence-kind = Event
evidence-channel = Channel
evidence-code = Code
evidence-cause = Cause
evidence-info = Info
evidence-id = Event id
evidence-raw = Raw attributes

dead-letters-title = Dead letters
dead-letters-lead = Messages that could not be read. They were acknowledged and are kept here as they came, with the reason.
dead-letters-total = { $n ->
    [one] 1 message
   *[other] { $n } messages
}
dead-letters-empty = No dead letters
dead-letters-empty-what = A message lands here if its topic or content cannot be read. So far every message could be.
dead-letters-content = Content
dead-letters-cut = …
dead-letters-source = Source
dead-letters-download = Download the bytes
size-bytes = { $n ->
    [one] 1 byte
   *[other] { $n } bytes
}

time-now = now
time-ago = { $amount } ago
time-in = in { $amount }
due-overdue = Overdue by { $amount }
amount-minutes = { $n ->
    [one] { $n } minute
   *[other] { $n } minutes
}
amount-hours = { $n ->
    [one] { $n } hour
   *[other] { $n } hours
}
amount-days = { $n ->
    [one] { $n } day
   *[other] { $n } days
}

fault-home = To the tasks
fault-correlation = In the log under
fault-bad-request = The request is not understood
fault-bad-request-help = Something in the address or the form is not as expected. Go back and try again.
fault-unauthenticated = Nobody is logged in
fault-unauthenticated-help = Log in, or send a user name and password with HTTP Basic.
fault-cross-site = Refused: sent from another site
fault-cross-site-help = For safety, Upturn takes no orders from other sites. Open the page itself and try again.
fault-not-found = There is nothing here
fault-not-found-help = The address is wrong, or what it led to no longer exists.
fault-method-not-allowed = That cannot be done here
fault-method-not-allowed-help = The address exists, but not for this HTTP method.
fault-too-large = Too much was sent
fault-too-large-help = A request may have at most 1 MiB.
fault-unsupported-media-type = Sent in an unknown format
fault-unsupported-media-type-help = Send the form as application/x-www-form-urlencoded.
fault-too-many-attempts = Too many wrong passwords
fault-too-many-attempts-help = Wait a quarter of an hour and try again.
fault-internal = Something went wrong on our side
fault-internal-help = It was logged. Try again; if it happens again, tell the operator the id below.
fault-unavailable = Not available at the moment
fault-unavailable-help = The database does not answer or takes too long. Try again in a moment.
