# Installs geo-service from this folder, without network:
#   powershell -ExecutionPolicy Bypass -File install.ps1 [-Target FOLDER] [-Python python.exe]
# ASCII only: Windows PowerShell 5 reads scripts in the system's code page.
param(
    [string]$Target = (Join-Path $PSScriptRoot "venv"),
    [string]$Python = ""
)
$ErrorActionPreference = "Stop"

Write-Host "install: checking the files"
foreach ($line in [IO.File]::ReadAllLines((Join-Path $PSScriptRoot "SHA256SUMS"))) {
    $digest, $name = $line -split "  ", 2
    $path = Join-Path $PSScriptRoot $name
    if ((Get-FileHash -LiteralPath $path -Algorithm SHA256).Hash -ne $digest.ToUpper()) {
        throw "install: $name is not as it was packed"
    }
}

$contents = [IO.File]::ReadAllText((Join-Path $PSScriptRoot "CONTENTS"))
$pythons = [regex]::Match($contents, "pythons: (.*)").Groups[1].Value.Trim() -split " "
$found = $null
$candidates = @()
if ($Python) {
    $candidates += , @($Python)
} else {
    foreach ($version in $pythons) { $candidates += , @("py", "-$version") }
    $candidates += , @("python")
}
foreach ($candidate in $candidates) {
    $program = $candidate[0]
    $options = @($candidate | Select-Object -Skip 1)
    if (-not (Get-Command $program -ErrorAction SilentlyContinue)) { continue }
    $said = & $program @options -c "import sys, venv; print('%d.%d %d' % (sys.version_info[0], sys.version_info[1], sys.maxsize > 2**32))" 2>$null
    if ($LASTEXITCODE -eq 0 -and $said) {
        $version, $is64 = "$said".Trim() -split " "
        if ($is64 -eq "1" -and $pythons -contains $version) { $found = $candidate; break }
    }
}
if ($null -eq $found) {
    throw "install: no 64-bit Python that this folder has packages for (pythons: $pythons)"
}

Write-Host "install: into $Target with $found"
$program = $found[0]
$options = @($found | Select-Object -Skip 1)
& $program @options -m venv $Target
if ($LASTEXITCODE -ne 0) { throw "install: the environment could not be made" }
$own = Join-Path $Target "Scripts\python.exe"
$install = @("-m", "pip", "--isolated", "--disable-pip-version-check", "install", "--quiet", "--no-index")
& $own @install --find-links (Join-Path $PSScriptRoot "wheels") --require-hashes --requirement (Join-Path $PSScriptRoot "requirements.txt")
if ($LASTEXITCODE -ne 0) { throw "install: the packages could not be installed" }
$wheel = (Get-ChildItem -Path $PSScriptRoot -Filter "geo_service-*.whl" | Select-Object -First 1).FullName
& $own @install --no-deps $wheel
if ($LASTEXITCODE -ne 0) { throw "install: geo-service could not be installed" }
Write-Host "install: done. Try: $(Join-Path $Target 'Scripts\geo-service.exe') review $(Join-Path $PSScriptRoot 'demo')"
