// What is shown, in Chinese and English. The daemon's own sentences come in both languages; these are the page's words for its codes.
export let lang = 'zh';
export function speak(word) { lang = word === 'en' ? 'en' : 'zh'; document.documentElement.lang = lang === 'zh' ? 'zh-CN' : 'en'; }
export const t = (zh, en) => (lang === 'zh' ? zh : en);
export const both = (s) => (s ? (lang === 'zh' ? s.zh : s.en) : '');

const lists = {
  method: { card: ['银行卡', 'card'], qr: ['扫码', 'scanned code'], cash: ['现金', 'cash'], voucher: ['代金券', 'coupon'] },
  kind: { sale: ['消费', 'sale'], void: ['撤销', 'void'], refund: ['退货', 'refund'], preauth: ['预授权', 'pre-authorization'], preauth_void: ['预授权撤销', 'pre-auth. void'], completion: ['预授权完成', 'completion'], completion_void: ['完成撤销', 'completion void'], adjust: ['调整', 'adjustment'], balance: ['余额查询', 'balance'] },
  state: { waiting: ['等待', 'waiting'], cancelled: ['已取消', 'cancelled'], sent: ['已发送', 'sent'], approved: ['成功', 'approved'], declined: ['拒绝', 'declined'], unknown: ['待定', 'unknown'], reversed: ['已冲正', 'reversed'], stored: ['离线待送', 'stored'], forwarded: ['已补送', 'forwarded'], rejected: ['补送被拒', 'rejected'], set_aside: ['搁置', 'set aside'], written_off: ['已核销', 'written off'] },
  line: { up: ['已连接', 'up'], down: ['断开', 'down'], connecting: ['连接中', 'connecting'] },
  port: { open: ['正常', 'there'], lost: ['未连接', 'gone'] },
  rung: { open: ['营业中', 'open'], cut: ['已日切', 'cut'], forwarded: ['补送完', 'forwarded'], asked: ['结算中', 'settling'], balanced: ['对账平', 'balanced'], unbalanced: ['对账不平', 'unbalanced'], error: ['结算出错', 'error'], unconfirmed: ['未确认', 'unconfirmed'], uploaded: ['已上送', 'uploaded'], ended: ['已结束', 'ended'], pending: ['待结算', 'pending'] },
  exception: { reversal_failed: ['冲正失败', 'a reversal failed'], unknown_payment: ['交易结果未知', 'a payment is unknown'], offline_rejected: ['离线交易被拒', 'an offline sale was refused'], offline_aside: ['离线交易搁置', 'an offline sale is set aside'], unbalanced: ['批次对账不平', 'a batch is unbalanced'], batch_disagrees: ['批次号不符', 'batch numbers disagree'], clock_disagrees: ['时钟不符', 'clocks disagree'] },
  how: { noted: ['已知悉', 'noted'], confirmed_approved: ['收单方确认成功', 'the acquirer confirms: approved'], confirmed_declined: ['收单方确认失败', 'the acquirer confirms: not taken'], retry: ['再试一次', 'try again'], written_off: ['核销', 'write off'] },
  event: { PaymentMade: ['登记交易', 'journaled'], PaymentStored: ['离线受理', 'taken offline'], PaymentCancelled: ['取消，未发送', 'cancelled before sending'], PaymentSetAside: ['离线交易搁置', 'set aside'], Sending: ['即将发送', 'about to be sent'], NotSent: ['未能发送', 'not sent'], NoAnswer: ['无应答', 'no answer'], Answered: ['收到应答', 'answered'], Stray: ['无法匹配的报文', 'a frame that answers nothing'], LateAnswer: ['迟到的应答', 'a late answer'], ReversalOwed: ['需要冲正', 'a reversal is owed'], ReversalGivenUp: ['冲正次数用尽', 'the reversal is given up'], ExceptionOpened: ['登记异常', 'an exception is opened'], ExceptionResolved: ['异常已处理', 'the exception is resolved'], Reprinted: ['重打印', 'printed again'] },
  fact: { request: ['请求号', 'request'], kind: ['类型', 'kind'], method: ['方式', 'method'], device: ['终端', 'device'], cashier: ['收银员', 'cashier'], shift: ['班次', 'shift'], amount: ['金额', 'amount'], original: ['原交易', 'original'], entry: ['读卡方式', 'read by'], masked: ['卡号', 'card'], chip: ['芯片卡', 'chip card'], pin: ['输入密码', 'PIN entered'], approved_by: ['授权人', 'approved by'], final_here: ['本地完成', 'final here'], payment: ['交易', 'payment'], terminal: ['终端', 'terminal'], stan: ['流水号', 'STAN'], batch: ['批次', 'batch'], subject: ['报文', 'message'], why: ['原因', 'why'], accepted: ['已采纳', 'accepted'], foreign: ['非本行', 'foreign'], class: ['结果', 'result'], code: ['应答码', 'response code'], rrn: ['检索参考号', 'RRN'], approval: ['授权码', 'approval code'], reason: ['原因', 'reason'], exception: ['异常号', 'exception'], by: ['处理人', 'by'], how: ['方式', 'how'], note: ['说明', 'note'], what: ['内容', 'what'], times: ['次数', 'times'] },
  subject: { Payment: ['交易请求', 'the payment'], Advice: ['离线补送', 'offline advice'], Reversal: ['冲正请求', 'the reversal'], Upload: ['批上送', 'batch upload'], SignOn: ['签到', 'sign-on'] },
  result: { approved: ['成功', 'approved'], declined: ['拒绝', 'declined'], unknown: ['未知', 'unknown'], Approved: ['成功', 'approved'], Declined: ['拒绝', 'declined'], Unknown: ['未知', 'unknown'], Timeout: ['超时', 'timeout'], Restart: ['重启', 'restart'], magstripe: ['磁条', 'magnetic stripe'], chip: ['芯片', 'chip'], contactless: ['非接', 'contactless'], manual: ['手输', 'keyed'], scan: ['扫码', 'scanned'], true: ['是', 'yes'], false: ['否', 'no'] },
};
export function word(list, code) {
  const pair = lists[list] && lists[list][code];
  return pair ? t(pair[0], pair[1]) : String(code);
}
export const codes = (list) => Object.keys(lists[list]);
