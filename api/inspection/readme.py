"""The page that comes with a package: what is in it, and how all of it is checked."""

from api.inspection.sources import Sources
from ledger.anchoring.publications import Published
from projections.exports.delimited import Encoding

TEXT = """\
{union}（{code}）及其全部下级　{year} 年度送温暖帮扶资金检查资料包

期间：{opening} 至 {closing}
账本：{origin}
截至日志位置：{at}（此后登记的不在本包内）
个人信息：{opened}
CSV 与 XML 的字符编码：{encoding}

一、内容
  gbt24589/shared.xml   公共档案：电子账簿、会计期间、凭证类型、币种、部门、辅助项
  gbt24589/ledger.xml   总账：科目、科目辅助核算、科目余额及发生额、记账凭证
                        按 GB/T 24589 的组织方式，是其中的一部分；本账本只管资金，没有工资、资产等
  csv/*.csv             平面表，一表一个文件，首行为字段名
  xlsx/tables.xlsx      同样的表，编码一律为文本，金额为数值（元）
  xlsx/findings.xlsx    疑点：规则、依据、所涉发放和账本页面；疑点在核实之前不是问题；案件和经过
  data/package.sqlite   同样的表，供自行查询（SQLite 3）：金额为整数分；视图用中文名，例如
                        SELECT "状态", COUNT(*), SUM("金额(分)") FROM "发放明细" GROUP BY 1;
  csv/dictionary.csv    数据字典：每张表、每个字段的含义
  csv/controls.csv      控制总数：每张表的行数与合计，和账本页面的同一查询并列
  journal/              全部资金流水的纯文本账，hledger 与 beancount 可直接核算
  evidence/             证据包：已签名的事件、没有遗漏的证明，以及离线验证程序；
                        疑点最重的批次各一个，单位整体一个（资料不太大时；否则可用
                        nuanzhang pack organisation {code} 另做）
  SHA256SUMS, SM3SUMS   每个文件的摘要

二、怎样核对
  1. 文件没有被改动：在本文件夹里运行  sha256sum -c SHA256SUMS
     （国密：openssl dgst -sm3 文件名，与 SM3SUMS 对照）
  2. 各表合计与账本一致：看 csv/controls.csv 的“核对”一列
  3. 账自己平：hledger -f journal/ledger.journal check，或 bean-check journal/ledger.beancount；
     文件末尾写着账本自己的余额，差一分都会报错
  4. 账本没有被改动，也没有遗漏：解开 evidence/ 中的证据包，按其中 README.txt 运行验证程序。
     账本的创始密钥编号请向单位另行索取，不要只用本包里的
     证据包截至第 {size} 条事件的检查点

三、说明
  · 凭证编号就是事件在账本中的位置：账本只能追加，不能插入、修改或删除
  · “发放明细”是本期间下达的发放在截止日的状态；以前下达、本期间才到账的，见“记账凭证”
  · 科目为本账本自设；不作年终结转，收入和支出科目逐年累计
"""


def readme(of: Sources, published: Published, encoding: Encoding, opened: str) -> str:
    return TEXT.format(
        union=of.organisation.name,
        code=of.organisation.code,
        year=of.year,
        opening=of.opening.isoformat(),
        closing=of.closing.isoformat(),
        origin=of.ledger.origin,
        at=of.at,
        opened=opened,
        encoding={Encoding.UTF_8: "UTF-8（CSV 带 BOM）", Encoding.GB18030: "GB18030"}[encoding],
        size=published.size,
    )
