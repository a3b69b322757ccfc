# cmake -DGUARD_FILE=... -DTEMPLATE=... -DOUTPUT=... -P embed.cmake
file(SHA256 ${GUARD_FILE} GUARD_SHA256)
configure_file(${TEMPLATE} ${OUTPUT} @ONLY)
