{ 收银示例:Free Pascal 3.2 以上,Delphi 语法。Delphi 里把 TFPHTTPClient 换成 THTTPClient 即可。
  A POS for Free Pascal 3.2 or newer in Delphi's syntax; in Delphi, THTTPClient takes the place of TFPHTTPClient.
    fpc pos.pas
    BASE=http://127.0.0.1:17216 TOKEN=… ./pos }
program example;

{$mode delphi}{$H+}{$codepage utf8}

uses
  {$ifdef unix} cthreads, {$endif}
  Classes, SysUtils, SyncObjs, fphttpclient, fpjson, jsonparser;

var
  Base, Token: string;
  Lock: TCriticalSection;
  Events: TStringList; { 事件的 JSON,按到达顺序  the events' JSON, as they came }
  Last: string;        { 最后的编号  the last number }

function NewClient: TFPHTTPClient;
begin
  Result := TFPHTTPClient.Create(nil);
  Result.AddHeader('Authorization', 'Bearer ' + Token);
  Result.AddHeader('Content-Type', 'application/json');
  Result.ConnectTimeout := 5000;
end;

{ 断线、忙、重启时原样再发;编号相同,不会记两次。
  After a broken connection, and while the agent is busy or restarting, the same
  is sent again: its id is the same, so nothing is done twice. }
function Call(const Method, Path, Body: string): TJSONObject;
var
  Client: TFPHTTPClient;
  Answer: TStringStream;
  Attempt: Integer;
  Problem: string;
begin
  for Attempt := 0 to 7 do
  begin
    Client := NewClient;
    Answer := TStringStream.Create('');
    try
      Client.IOTimeout := 40000;
      if Body <> '' then
        Client.RequestBody := TStringStream.Create(Body);
      try
        Client.HTTPMethod(Method, Base + Path, Answer, []);
        if Client.ResponseStatusCode div 100 = 2 then
          Exit(GetJSON(Answer.DataString) as TJSONObject);
        Problem := IntToStr(Client.ResponseStatusCode) + ' ' + Answer.DataString;
        if (Client.ResponseStatusCode > 0) and (Client.ResponseStatusCode <> 429) and (Client.ResponseStatusCode < 500) then
          Break; { 0 是没有答复  0 is no answer }
      except
        on E: Exception do
          Problem := E.Message;
      end;
    finally
      Client.RequestBody.Free;
      Answer.Free;
      Client.Free;
    end;
    Sleep(100 shl Attempt);
  end;
  raise Exception.Create(Method + ' ' + Path + ': ' + Problem);
end;

type
  { 把收到的字节切成行  cuts what is received into lines }
  TEventStream = class(TStream)
  private
    FText, FNumber, FData: string;
  public
    function Write(const Buffer; Count: LongInt): LongInt; override;
  end;

  TListener = class(TThread)
  protected
    procedure Execute; override;
  end;

function TEventStream.Write(const Buffer; Count: LongInt): LongInt;
var
  Piece, Line: string;
  N: Integer;
begin
  Result := Count;
  SetString(Piece, PAnsiChar(@Buffer), Count);
  FText := FText + Piece;
  N := Pos(#10, FText);
  while N > 0 do
  begin
    Line := Copy(FText, 1, N - 1);
    Delete(FText, 1, N);
    Lock.Enter;
    try
      if Copy(Line, 1, 4) = 'id: ' then
        FNumber := Copy(Line, 5, MaxInt)
      else if Copy(Line, 1, 6) = 'data: ' then
        FData := Copy(Line, 7, MaxInt)
      else if (Line = '') and (FNumber <> '') then
      begin { 空行:这个事件收全了  a blank line: the event is complete }
        Last := FNumber;
        if FData <> '' then
          Events.Add(FData);
        FNumber := '';
        FData := '';
      end;
    finally
      Lock.Leave;
    end;
    N := Pos(#10, FText);
  end;
end;

{ 事件流;断了就从最后的编号接着来。  Events; after a break on from the last number. }
procedure TListener.Execute;
var
  Client: TFPHTTPClient;
  Stream: TEventStream;
begin
  while not Terminated do
  begin
    Client := NewClient;
    Stream := TEventStream.Create;
    try
      Client.IOTimeout := 30000; { 每 15 秒至少有一行注释  a comment comes every 15 s }
      if Last <> '' then
        Client.AddHeader('Last-Event-ID', Last);
      try
        Client.HTTPMethod('GET', Base + '/v1/events', Stream, [200]);
      except
        on Exception do; { 断了  broken off }
      end;
    finally
      Stream.Free;
      Client.Free;
    end;
    Sleep(200);
  end;
end;

procedure WaitEvent(const Kind, SaleID: string);
var
  Tries, I: Integer;
  Event: TJSONObject;
  Found: Boolean;
begin
  for Tries := 1 to 600 do
  begin
    Found := False;
    Lock.Enter;
    try
      for I := 0 to Events.Count - 1 do
      begin
        Event := GetJSON(Events[I]) as TJSONObject;
        Found := Found or ((Event.Strings['type'] = Kind) and (Event.Strings['sale_id'] = SaleID));
        Event.Free;
      end;
    finally
      Lock.Leave;
    end;
    if Found then
    begin
      WriteLn('event ', Kind);
      Exit;
    end;
    Sleep(50);
  end;
  raise Exception.Create('no ' + Kind + ' of ' + SaleID);
end;

procedure Sell;
var
  Listener: TListener;
  ID, Sale: string;
  Answer, Again, Refund: TJSONObject;
begin
  Listener := TListener.Create(False);
  Listener.FreeOnTerminate := True;
  while Last = '' do { 听上了再卖  sell once the stream is there }
    Sleep(50);

  { 卖一单,最多等 5 秒拿开票码;金额用文本,不用浮点数
    A sale; waits up to 5 s for its QR code. Money is text, never a float }
  ID := 'PAS-' + FormatDateTime('yyyymmddhhnnsszzz', Now);
  Sale := '{"sale_id":"' + ID + '","total":"12.50","items":[{"name":"\u62ff\u94c1\u5496\u5561","amount":"12.50",' +
    '"tax_code":"3070401000000000000","tax_rate":"0.06"}],"payments":[{"method":"\u5fae\u4fe1","amount":"12.50"}]}';
  Answer := Call('POST', '/v1/sales?wait=5s', Sale);
  WriteLn('sold ', ID, ': ', Answer.Strings['state'], ' ', Answer.Objects['qr'].Strings['url']);

  { 没收到答复?原样再发:还是那一单,还是那个码  No answer? The same again is the same sale with the same code }
  Again := Call('POST', '/v1/sales', Sale);
  if Again.Objects['qr'].Strings['no'] <> Answer.Objects['qr'].Strings['no'] then
    raise Exception.Create('another QR code');
  WriteLn('again: the same QR code');
  WaitEvent('sale.qr_ready', ID);

  { 退货:不给金额就是全退  A refund; without an amount it is all of it }
  Refund := Call('POST', '/v1/sales/' + EncodeURLElement(ID) + '/refunds', '{"refund_id":"R-' + ID + '","reason":"sales_return"}');
  WriteLn('refund R-', ID, ': ', Refund.Strings['path']);
  WaitEvent('refund.done', ID);
  Refund := Call('GET', '/v1/refunds/R-' + ID, '');
  WriteLn('refund R-', ID, ': ', Refund.Strings['state']);
end;

begin
  Base := GetEnvironmentVariable('BASE');
  if Base = '' then
    Base := 'http://127.0.0.1:17216';
  Token := GetEnvironmentVariable('TOKEN'); { api-token of the data folder, or a token of your own }
  Lock := TCriticalSection.Create;
  Events := TStringList.Create;
  Sell;
  Halt(0); { 事件流不等了  the stream is not waited for }
end.
