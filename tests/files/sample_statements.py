"""Account statements as banks would send them: one month, three movements, made-up people."""

CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"><BkToCstmrStmt>
<GrpHdr><MsgId>M1</MsgId><CreDtTm>2017-02-01T08:00:00</CreDtTm></GrpHdr>
<Stmt><Id>S-2017-01</Id><ElctrncSeqNb>12</ElctrncSeqNb><CreDtTm>2017-02-01T08:00:00</CreDtTm>
<FrToDt><FrDtTm>2017-01-01T00:00:00+08:00</FrDtTm><ToDtTm>2017-01-31T23:59:59+08:00</ToDtTm></FrToDt>
<Acct><Id><Othr><Id>6222000000000000009</Id></Othr></Id><Ccy>CNY</Ccy></Acct>
<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">1000.00</Amt>\
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2017-01-01</Dt></Dt></Bal>
<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="CNY">9400.50</Amt>\
<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2017-01-31</Dt></Dt></Bal>
<TxsSummry><TtlNtries><NbOfNtries>3</NbOfNtries><Sum>12800.50</Sum></TtlNtries></TxsSummry>
<Ntry><NtryRef>1</NtryRef><Amt Ccy="CNY">10000.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>{booked}\
<BookgDt><Dt>2017-01-05</Dt></BookgDt><ValDt><Dt>2017-01-06</Dt></ValDt><AcctSvcrRef>B-1</AcctSvcrRef>\
<BkTxCd><Prtry><Cd>TRF</Cd></Prtry></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED\
</EndToEndId></Refs><RltdPties><Dbtr>{open}<Nm>市总工会</Nm>{close}</Dbtr></RltdPties></TxDtls></NtryDtls>\
<AddtlNtryInf>拨入送温暖资金</AddtlNtryInf></Ntry>
<Ntry><Amt Ccy="CNY">2200.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>{booked}\
<BookgDt><Dt>2017-01-09</Dt></BookgDt><AcctSvcrRef>B-2</AcctSvcrRef>\
<BkTxCd><Prtry><Cd>PAY</Cd></Prtry></BkTxCd><NtryDtls><Btch><PmtInfId>SWN20170001</PmtInfId>\
<NbOfTxs>3</NbOfTxs></Btch></NtryDtls></Ntry>
<Ntry><Amt Ccy="CNY">600.50</Amt><CdtDbtInd>CRDT</CdtDbtInd>{booked}\
<BookgDt><DtTm>2017-01-11T10:00:00+08:00</DtTm></BookgDt><AcctSvcrRef>B-3</AcctSvcrRef>\
<BkTxCd><Prtry><Cd>RET</Cd></Prtry></BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>SWN20170001-000002\
</EndToEndId></Refs><RltdPties><Cdtr>{open}<Nm>张试验</Nm>{close}</Cdtr>\
<CdtrAcct><Id><Othr><Id>6299900000000000002</Id></Othr></Id></CdtrAcct></RltdPties>\
<RtrInf><Rsn><Cd>AC04</Cd></Rsn></RtrInf></TxDtls></NtryDtls></Ntry>
<Ntry><Amt Ccy="CNY">99.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>{pending}\
<BkTxCd><Prtry><Cd>PAY</Cd></Prtry></BkTxCd></Ntry>
</Stmt></BkToCstmrStmt></Document>
"""


def camt_053(version: str = "08") -> bytes:
    """Write a statement of a version; statuses and parties moved a level deeper over the years."""
    deep = int(version) >= 7
    return CAMT.format(
        version=version,
        booked="<Sts><Cd>BOOK</Cd></Sts>" if deep else "<Sts>BOOK</Sts>",
        pending="<Sts><Cd>PDNG</Cd></Sts>" if deep else "<Sts>PDNG</Sts>",
        open="<Pty>" if deep else "",
        close="</Pty>" if deep else "",
    ).encode()


MT940 = """:20:S-2017-01
:25:6222000000000000009
:28C:12/1
:60F:C161231CNY1000,00
:61:1701060105C10000,00NTRFNONREF//B-1
:86:拨入送温暖资金
:61:1701090109D2200,00NTRFSWN20170001//B-2
:86:/NAME/批量代发
:62M:C170109CNY8800,00
:20:S-2017-01
:25:6222000000000000009
:28C:12/2
:60M:C170109CNY8800,00
:61:1701110111C600,50NRTISWN20170001-000002//B-3
:86:/NAME/张试验/ACCT/6299900000000000002/退票
:62F:C170131CNY9400,50
-
"""

LISTED = """账号：,6222000000000000009,,币种：,人民币
起始日期：2017-01-01,,,截止日期：2017-01-31
交易时间,支出金额,收入金额,余额,对方户名,对方账号,摘要,交易流水号,业务编号
2017-01-05 09:00:00,-,"10,000.00","11,000.00",市总工会,,拨入送温暖资金,B-1,
20170109,2200.00,,8800.00,批量代发,,代发,B-2,SWN20170001
2017/1/11,,600.50,9400.50,张试验,6299900000000000002,退票,B-3,SWN20170001-000002
本页合计,2200.00,10600.50,,,,,,
"""

SAMPLES = {
    "camt-053": camt_053(),
    "mt940": MT940.encode("gb18030"),
    "statement-list": LISTED.encode("gb18030"),
}
