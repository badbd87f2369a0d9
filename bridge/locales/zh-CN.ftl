# 简体中文。键与变量必须和 en.ftl 一致。

skip-to-content = 跳到正文
nav-label = 栏目
nav-tasks = 任务
nav-dead-letters = 死信
language-label = 语言
log-out = 退出登录
footer-zone = 显示时区：

login-title = 登录 Upturn
login-name = 用户名
login-password = 密码
login-submit = 登录
login-wrong = 用户名或密码不正确。
login-too-many = 密码错误次数过多，请一刻钟后再试。
login-no-users = 还没有可以登录的用户。请在运行 Upturn 的机器上创建第一个用户：
login-no-users-name = 用户名

tasks-title = 任务
view-label = 到期时间
view-all = 全部
view-overdue = 已逾期
view-today = 今天到期
view-later = 以后到期
view-withdrawn = 已撤回
owner-label = 负责人
owner-all = 所有人
owner-mine = 我的
owner-pool = 任务池
owner-pool-prefix = 任务池
inbox-news = 有 { $n } 条新任务，点击查看

task-title = 任务
task-device = 设备
task-account = 客户
task-account-none = 未登记
task-owner = 负责人
task-due = 到期
task-due-none = 无到期时间
task-status = 状态
status-new = 新任务
status-withdrawn = 已撤回

empty-title = 还没有任务
empty-what = 规则一旦成立，任务就会出现在这里，例如同一台充电桩连续三次充电失败。
empty-how = 想试一试，可以让一台测试设备连续失败三次：
empty-demo = 或者观看模拟的一天：
empty-filter = 没有符合条件的任务
empty-show-all = 显示全部任务
empty-page = 没有更早的内容了
pages-label = 翻页
pages-newest = 回到最新
pages-next = 更早

keys-title = 快捷键
keys-down = 下一条任务
keys-up = 上一条任务
keys-open = 打开任务
keys-help = 显示快捷键
keys-close = 关闭

task-back = 全部任务
task-why = 为什么有这条任务
task-rule = 规则
task-held = { $n ->
    [1] 因 { $to } 的 1 个事件成立。
   *[other] 因 { $from } 至 { $to } 之间的 { $n } 个事件成立。
}
episode-open = 情况仍在持续，后续事件会并入本任务。
episode-closed = 情况已经结束，后续事件只会产生新任务。
task-withdrawn-note = 迟到的事件使本任务不再成立，无需处理。
task-facts = 基本信息
task-steps = 要做的事
steps-none = 规则没有列出步骤。
step-send-coupon = 发送优惠券
step-book-consultant = 预约技术顾问
task-kind = 类型
task-scope = 统计对象
task-created = 创建
task-id = 任务编号
task-history = 历史记录
history-detail = 详情
history-none = 任务创建后没有变动。
audit-task-created = 已创建
audit-task-amended = 因迟到的事件而更正
audit-task-withdrawn = 因迟到的事件而撤回
evidence-label = 依据
evidence-time = 时间
evidence-kind = 事件
evidence-channel = 通道
evidence-code = 代码
evidence-cause = 原因
evidence-info = 说明
evidence-id = 事件编号
evidence-raw = 原始属性

dead-letters-title = 死信
dead-letters-lead = 无法读取的消息。它们已被确认接收，并按原样连同原因保存在这里。
dead-letters-total = 共 { $n } 条消息
dead-letters-empty = 没有死信
dead-letters-empty-what = 主题或内容无法读取的消息会出现在这里。到目前为止，所有消息都能读取。
dead-letters-content = 内容
dead-letters-cut = …
dead-letters-source = 来源
dead-letters-download = 下载原始字节
size-bytes = { $n } 字节

time-now = 现在
time-ago = { $amount }前
time-in = { $amount }后
due-overdue = 已逾期 { $amount }
amount-minutes = { $n } 分钟
amount-hours = { $n } 小时
amount-days = { $n } 天

fault-home = 前往任务列表
fault-correlation = 日志编号：
fault-bad-request = 无法理解该请求
fault-bad-request-help = 地址或表单中有不符合预期的内容，请返回后重试。
fault-unauthenticated = 尚未登录
fault-unauthenticated-help = 请登录，或用 HTTP Basic 提供用户名和密码。
fault-cross-site = 已拒绝：请求来自其他网站
fault-cross-site-help = 为了安全，Upturn 不接受其他网站发来的操作。请打开页面本身再试。
fault-not-found = 这里什么也没有
fault-not-found-help = 地址有误，或者它指向的内容已不存在。
fault-method-not-allowed = 这里不能这样操作
fault-method-not-allowed-help = 地址存在，但不支持这种 HTTP 方法。
fault-too-large = 发送的内容过大
fault-too-large-help = 一次请求最多 1 MiB。
fault-unsupported-media-type = 格式不受支持
fault-unsupported-media-type-help = 请以 application/x-www-form-urlencoded 发送表单。
fault-too-many-attempts = 密码错误次数过多
fault-too-many-attempts-help = 请一刻钟后再试。
fault-internal = 我们这边出了问题
fault-internal-help = 已写入日志。请重试；如果仍然出现，请把下面的编号告诉管理员。
fault-unavailable = 暂时不可用
fault-unavailable-help = 数据库没有响应或耗时过长，请稍后重试。
