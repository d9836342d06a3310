; The setup program. /S installs without a question, /D=FOLDER (the last argument)
; elsewhere. Exit status: 0 done, 3 not done, with the reason in setup.txt in the folder.
; The uninstaller keeps data and configuration; /PURGE=1 deletes them too.
;
; The program itself does the work (its hidden command "setup"): an upgrade that
; does not become ready goes back by itself.

Target amd64-unicode
Unicode true
SetCompressor /SOLID lzma
SetDateSave off
RequestExecutionLevel admin
ManifestDPIAware true

!include "MUI2.nsh"
!include "FileFunc.nsh"
!include "LogicLib.nsh"
!include "TextFunc.nsh"
!include "WinVer.nsh"
!include "x64.nsh"

!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\piaotong-agent"

Name "$(title)"
OutFile "${OUT}"
InstallDir "$PROGRAMFILES64\piaotong-agent"
InstallDirRegKey HKLM "${KEY}" "InstallLocation"
BrandingText "piaotong-agent ${VERSION}"
VIProductVersion "${NUMBERS}"
VIFileVersion "${NUMBERS}"
VIAddVersionKey /LANG=0 "FileDescription" "Piaotong till agent setup"
VIAddVersionKey /LANG=0 "FileVersion" "${VERSION}"
VIAddVersionKey /LANG=0 "ProductName" "piaotong-agent"
VIAddVersionKey /LANG=0 "ProductVersion" "${VERSION}"
VIAddVersionKey /LANG=0 "LegalCopyright" "Apache-2.0"
!uninstfinalize '"${SIGNER}" "%1"' = 0

!define MUI_ICON "${STAGE}/icon.ico"
!define MUI_UNICON "${STAGE}/icon.ico"
!define MUI_ABORTWARNING
!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!define MUI_FINISHPAGE_NOAUTOCLOSE
!define MUI_FINISHPAGE_RUN
!define MUI_FINISHPAGE_RUN_TEXT "$(setUpNow)"
!define MUI_FINISHPAGE_RUN_FUNCTION SetUp
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
; The system's language is taken, or else the first.
!insertmacro MUI_LANGUAGE "SimpChinese"
!insertmacro MUI_LANGUAGE "English"

!macro TEXT NAME ZH EN
	LangString ${NAME} ${LANG_SIMPCHINESE} "${ZH}"
	LangString ${NAME} ${LANG_ENGLISH} "${EN}"
!macroend
!insertmacro TEXT title "票通收银开票代理" "Piaotong till agent"
!insertmacro TEXT code "zh-CN" "en"
!insertmacro TEXT old "需要 64 位的 Windows 10 或 Windows Server 2016 以上。" "This needs a 64-bit Windows 10, Windows Server 2016, or newer."
!insertmacro TEXT byMSI "本机已由 MSI 安装:请用 MSI 升级,或先卸载(数据会保留)。" "It was installed by the MSI: upgrade it with the MSI, or uninstall it first (data stays)."
!insertmacro TEXT failed "没有安装成功:" "It was not installed:"
!insertmacro TEXT setUpNow "现在设置(piaotong-agent init)" "Set it up now (piaotong-agent init)"
!insertmacro TEXT menuInit "设置 init" "Set up (init)"
!insertmacro TEXT menuDoctor "体检 doctor" "Check (doctor)"
!insertmacro TEXT menuConsole "控制台 console" "Console"
!insertmacro TEXT purge "同时删除全部数据和配置(销售单、密钥)?删除后无法恢复。" "Delete all data and the configuration too (sales, keys)? They cannot be brought back."
!insertmacro TEXT notRemoved "没有卸载成功:" "It was not removed:"

Function .onInit
	SetRegView 64
	SetShellVarContext all
	${IfNot} ${RunningX64}
	${OrIfNot} ${AtLeastWin10}
		MessageBox MB_OK|MB_ICONSTOP "$(old)" /SD IDOK
		SetErrorLevel 3
		Quit
	${EndIf}
	ReadRegStr $0 HKLM "Software\piaotong-agent" "Installer"
	${If} $0 == "msi"
		MessageBox MB_OK|MB_ICONSTOP "$(byMSI)" /SD IDOK
		SetErrorLevel 3
		Quit
	${EndIf}
FunctionEnd

; ReadReport reads setup.txt of the program into $1, as much as fits.
!macro READREPORT UN
Function ${UN}ReadReport
	StrCpy $1 ""
	ClearErrors
	FileOpen $2 "$INSTDIR\setup.txt" r
	${If} ${Errors}
		Return
	${EndIf}
	FileReadWord $2 $3 ; the byte order mark
	${Do}
		ClearErrors
		FileReadUTF16LE $2 $3
		${If} ${Errors}
			${ExitDo}
		${EndIf}
		StrCpy $1 "$1$3"
		${TrimNewLines} "$3" $3
		DetailPrint $3
	${Loop}
	FileClose $2
FunctionEnd
!macroend
!insertmacro READREPORT ""
!insertmacro READREPORT "un."

Section
	SetOutPath "$INSTDIR"
	File "${STAGE}/piaotong-agent-setup.exe"
	File "${STAGE}/piaotong-agent-menu.cmd"
	File "${STAGE}/LICENSE.txt"
	File "${STAGE}/README.md"
	File "${STAGE}/README.zh-CN.md"
	File "${STAGE}/config.example.toml"
	File /r "${STAGE}/docs"
	File /r "${STAGE}/examples"
	File /r "${STAGE}/localapi"
	File /r "${STAGE}/printer"
	WriteUninstaller "$INSTDIR\uninstall.exe"

	Delete "$INSTDIR\setup.txt"
	nsExec::Exec '"$INSTDIR\piaotong-agent-setup.exe" setup apply --dir "$INSTDIR" --lang $(code)'
	Pop $0
	Delete "$INSTDIR\piaotong-agent-setup.exe"
	Call ReadReport
	${If} $0 != 0
		MessageBox MB_OK|MB_ICONSTOP "$(failed)$\r$\n$1" /SD IDOK
		SetErrorLevel 3
		Abort
	${EndIf}

	CreateDirectory "$SMPROGRAMS\piaotong-agent"
	Delete "$SMPROGRAMS\piaotong-agent\*.lnk"
	CreateShortcut "$SMPROGRAMS\piaotong-agent\$(menuInit).lnk" "$INSTDIR\piaotong-agent-menu.cmd" "init" "$INSTDIR\piaotong-agent.exe"
	CreateShortcut "$SMPROGRAMS\piaotong-agent\$(menuDoctor).lnk" "$INSTDIR\piaotong-agent-menu.cmd" "doctor" "$INSTDIR\piaotong-agent.exe"
	CreateShortcut "$SMPROGRAMS\piaotong-agent\$(menuConsole).lnk" "$INSTDIR\piaotong-agent-menu.cmd" "console" "$INSTDIR\piaotong-agent.exe"

	WriteRegStr HKLM "${KEY}" "DisplayName" "$(title)"
	WriteRegStr HKLM "${KEY}" "DisplayVersion" "${VERSION}"
	WriteRegStr HKLM "${KEY}" "DisplayIcon" "$INSTDIR\piaotong-agent.exe"
	WriteRegStr HKLM "${KEY}" "Publisher" "piaotong-agent"
	WriteRegStr HKLM "${KEY}" "InstallLocation" "$INSTDIR"
	WriteRegStr HKLM "${KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
	WriteRegStr HKLM "${KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
	WriteRegDWORD HKLM "${KEY}" "NoModify" 1
	WriteRegDWORD HKLM "${KEY}" "NoRepair" 1
	${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
	WriteRegDWORD HKLM "${KEY}" "EstimatedSize" "$0"
SectionEnd

Function SetUp
	Exec '"$SYSDIR\cmd.exe" /c ""$INSTDIR\piaotong-agent-menu.cmd" init"'
FunctionEnd

Var purge

Function un.onInit
	SetRegView 64
	SetShellVarContext all
	StrCpy $purge ""
	${GetParameters} $0
	${GetOptions} $0 "/PURGE=" $1
	${If} $1 == "1"
		StrCpy $purge "--purge"
	${EndIf}
FunctionEnd

Section "Uninstall"
	${If} $purge == ""
		MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "$(purge)" /SD IDNO IDNO keep
		StrCpy $purge "--purge"
	keep:
	${EndIf}
	Delete "$INSTDIR\setup.txt"
	nsExec::Exec '"$INSTDIR\piaotong-agent.exe" setup remove --dir "$INSTDIR" $purge --lang $(code)'
	Pop $0
	Call un.ReadReport
	${If} $0 != 0
		MessageBox MB_OK|MB_ICONSTOP "$(notRemoved)$\r$\n$1" /SD IDOK
		SetErrorLevel 3
		Abort
	${EndIf}
	; Only what was put there: somebody may have chosen a folder with other things in it.
	Delete "$INSTDIR\piaotong-agent.exe"
	Delete "$INSTDIR\piaotong-agent-menu.cmd"
	Delete "$INSTDIR\LICENSE.txt"
	Delete "$INSTDIR\README.md"
	Delete "$INSTDIR\README.zh-CN.md"
	Delete "$INSTDIR\config.example.toml"
	Delete "$INSTDIR\setup.txt"
	Delete "$INSTDIR\uninstall.exe"
	RMDir /r "$INSTDIR\docs"
	RMDir /r "$INSTDIR\examples"
	Delete "$INSTDIR\localapi\openapi.yaml"
	RMDir "$INSTDIR\localapi"
	Delete "$INSTDIR\printer\font\OFL.txt"
	RMDir "$INSTDIR\printer\font"
	RMDir "$INSTDIR\printer"
	RMDir "$INSTDIR"
	RMDir /r "$SMPROGRAMS\piaotong-agent"
	DeleteRegKey HKLM "${KEY}"
SectionEnd
