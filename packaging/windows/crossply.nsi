; Crossply for Windows: one file, for this user (default) or for everyone, silent with /S.
;
;   crossply-VERSION-x64-setup.exe /S                       for this user, no administrator needed
;   crossply-VERSION-x64-setup.exe /S /AllUsers             for everyone (asks for an administrator)
;   crossply-VERSION-x64-setup.exe /S /D=C:\Some Folder     elsewhere; /D must come last and takes no quotes (NSIS)
;   uninstall.exe /S
;
; Made by make_installer.py:  makensis -DVERSION=0.1.0 -DPAYLOAD=folder -DOUT=file crossply.nsi
; An upgrade removes the older version's files first; the user's own data is in %LOCALAPPDATA%\crossply and stays.
; Written with care and NEVER RUN on Windows.

Unicode true
SetCompressor /SOLID lzma
ManifestDPIAware true

!define MULTIUSER_EXECUTIONLEVEL Highest
!define MULTIUSER_MUI
!define MULTIUSER_INSTALLMODE_COMMANDLINE
!define MULTIUSER_INSTALLMODE_DEFAULT_CURRENTUSER
!define MULTIUSER_USE_PROGRAMFILES64
!define MULTIUSER_INSTALLMODE_INSTDIR "Crossply"
!define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_KEY "Software\Crossply"
!define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_VALUENAME "Mode"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_KEY "Software\Crossply"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_VALUENAME "Folder"
!include MultiUser.nsh
!include MUI2.nsh
!include FileFunc.nsh
!include x64.nsh

!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\Crossply"

Name "Crossply"
OutFile "${OUT}"
BrandingText "Crossply ${VERSION}"
VIProductVersion "${VERSION}.0"
VIAddVersionKey ProductName "Crossply"
VIAddVersionKey FileDescription "Crossply installer"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey LegalCopyright "The Crossply developers, MIT License"

!insertmacro MULTIUSER_PAGE_INSTALLMODE
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
!insertmacro MUI_LANGUAGE "German"

Function .onInit
    ${IfNot} ${RunningX64}
        MessageBox MB_OK|MB_ICONSTOP "Crossply needs a 64-bit Windows." /SD IDOK
        SetErrorLevel 2
        Quit
    ${EndIf}
    SetRegView 64
    !insertmacro MULTIUSER_INIT
FunctionEnd

Function un.onInit
    SetRegView 64
    !insertmacro MULTIUSER_UNINIT
FunctionEnd

; Only what was installed is deleted: the list was made with the installer. Never RMDir /r of a folder that a person chose.
!macro RemoveOurFiles UN
Function ${UN}RemoveOurFiles
    RMDir /r "$INSTDIR\_internal"
    RMDir /r "$INSTDIR\runtimes"
    Delete "$INSTDIR\crossply.exe"
    Delete "$INSTDIR\crossplyctl.exe"
    Delete "$INSTDIR\licences.txt"
    Delete "$INSTDIR\README.md"
FunctionEnd
!macroend
!insertmacro RemoveOurFiles ""
!insertmacro RemoveOurFiles "un."

Section "Install"
    ; A file that is in use cannot be replaced: say so instead of installing half.
    ClearErrors
    ${If} ${FileExists} "$INSTDIR\crossply.exe"
        Delete "$INSTDIR\crossply.exe"
        ${If} ${Errors}
            MessageBox MB_OK|MB_ICONSTOP "Crossply is running. Close it, then install again. Nothing was changed." /SD IDOK
            SetErrorLevel 3
            Quit
        ${EndIf}
    ${EndIf}
    Call RemoveOurFiles
    SetOutPath "$INSTDIR"
    File /r "${PAYLOAD}\*.*"
    WriteUninstaller "$INSTDIR\uninstall.exe"
    CreateShortcut "$SMPROGRAMS\Crossply.lnk" "$INSTDIR\crossply.exe"
    WriteRegStr SHCTX "Software\Crossply" "Mode" "$MultiUser.InstallMode"
    WriteRegStr SHCTX "Software\Crossply" "Folder" "$INSTDIR"
    WriteRegStr SHCTX "${UNINSTALL}" "DisplayName" "Crossply"
    WriteRegStr SHCTX "${UNINSTALL}" "DisplayVersion" "${VERSION}"
    WriteRegStr SHCTX "${UNINSTALL}" "DisplayIcon" "$INSTDIR\crossply.exe"
    WriteRegStr SHCTX "${UNINSTALL}" "Publisher" "The Crossply developers"
    WriteRegStr SHCTX "${UNINSTALL}" "InstallLocation" "$INSTDIR"
    WriteRegStr SHCTX "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode'
    WriteRegStr SHCTX "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode /S'
    WriteRegDWORD SHCTX "${UNINSTALL}" "NoModify" 1
    WriteRegDWORD SHCTX "${UNINSTALL}" "NoRepair" 1
    ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
    WriteRegDWORD SHCTX "${UNINSTALL}" "EstimatedSize" $0
SectionEnd

Section "Uninstall"
    Call un.RemoveOurFiles
    Delete "$SMPROGRAMS\Crossply.lnk"
    Delete "$INSTDIR\uninstall.exe"
    RMDir "$INSTDIR"
    DeleteRegKey SHCTX "${UNINSTALL}"
    DeleteRegKey SHCTX "Software\Crossply"
SectionEnd
