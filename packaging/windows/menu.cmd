@echo off
rem The start menu's entries: run one command of the agent as administrator, and
rem keep the window open until it has been read.
setlocal
fltmc >nul 2>&1
if errorlevel 1 (
	powershell -NoProfile -Command "Start-Process -Verb RunAs -FilePath $env:ComSpec -ArgumentList ('/c \"\"{0}\" %1\"' -f '%~f0')"
	exit /b
)
chcp 65001 >nul
"%~dp0piaotong-agent.exe" %1 --config "%ProgramData%\piaotong-agent\config.toml"
echo.
pause
